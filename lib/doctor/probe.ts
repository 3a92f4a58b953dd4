/**
 * The child process of `doctor`: loads the addon and opens libtorch, where a broken library can take down nobody else.
 * Prints one JSON line a step (`ProbeStep`). With the argument `cuda`, the CUDA libraries are opened too.
 */
import { writeSync } from 'node:fs'
import type { CpuFeatures, Library } from '../../binding'
import { loadAddon } from '../native/addon'
import { openNative } from '../libtorch/open'

export type ProbeStep =
  { step: 'addon'; features: CpuFeatures } | { step: 'library'; library: Library } | { step: 'failed'; code?: string; message: string }

/** Written at once: what comes next may end the process. */
function say(step: ProbeStep): void {
  writeSync(1, JSON.stringify(step) + '\n')
}

async function probe(): Promise<void> {
  say({ step: 'addon', features: loadAddon().cpuFeatures() })
  const { library } = await openNative({ cuda: () => process.argv[2] === 'cuda' })
  say({ step: 'library', library })
}

probe().catch((error: Error & { code?: string }) => say({ step: 'failed', code: error.code, message: error.message }))
