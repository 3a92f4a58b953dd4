/**
 * The child process of `doctor`: loads the addon and opens libtorch, so that a broken library cannot crash the parent process.
 * Prints one JSON line per step (`ProbeStep`). With the argument `cuda`, it opens the CUDA libraries too.
 */
import { writeSync } from 'node:fs'
import type { CpuFeatures, Library } from '../../binding'
import { loadAddon } from '../native/addon'
import { openNative } from '../libtorch/open'

export type ProbeStep =
  { step: 'addon'; features: CpuFeatures } | { step: 'library'; library: Library } | { step: 'failed'; code?: string; message: string }

/** Written synchronously: the next step may end the process. */
function say(step: ProbeStep): void {
  writeSync(1, JSON.stringify(step) + '\n')
}

async function probe(): Promise<void> {
  say({ step: 'addon', features: loadAddon().cpuFeatures() })
  const { library } = await openNative({ cuda: () => process.argv[2] === 'cuda' })
  say({ step: 'library', library })
}

probe().catch((error: Error & { code?: string }) => say({ step: 'failed', code: error.code, message: error.message }))
