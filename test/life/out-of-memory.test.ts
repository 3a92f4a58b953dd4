import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runProgram } from '../support/child'
import { scratch } from '../support/scratch'
import { makeVariant } from '../support/variant'

interface Seen {
  allocations: number
  codes: Record<string, number>
  wrong: string[]
  /** Bytes that 200 failed loads left behind. */
  kept?: number
  /** Numbers of steps that a call of two told of. */
  done?: number[]
  /** Rows whose states were kept, by tokens that there was room for. */
  found?: Record<string, number[]>
}

// The shim is preloaded, as only ELF systems do it.
const onLinux = process.platform === 'linux' ? describe : describe.skip

onLinux('memory runs out at one allocation, and in turn at each of them', () => {
  let shim: string
  let model: string
  beforeAll(() => {
    shim = join(scratch(), 'allocations.so')
    const source = join(__dirname, '..', 'support', 'shims', 'allocations.cc')
    execFileSync(process.env.CXX ?? 'c++', ['-std=c++20', '-O1', '-shared', '-fPIC', '-o', shim, source])
    model = makeVariant({ base: 'bert' })
  })

  async function seen(operation: string, how: string, stride: number): Promise<Seen> {
    const control = join(scratch(), 'control')
    writeFileSync(control, new Uint8Array(32))
    const environment = { LD_PRELOAD: shim, SENTORCH_ALLOCATIONS: control, SENTORCH_LIFE_MODEL: model }
    const { code, signal, stdout, stderr } = await runProgram('out-of-memory', environment, [operation, how, String(stride)])
    expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' })
    return JSON.parse(stdout) as Seen
  }

  /** The least number of allocations that an operation makes: else nothing was tested. */
  const operations: [string, number, number][] = [
    ['load', 50, 1],
    ['encode', 60, 1],
    ['encode-bfloat16', 60, 1],
    ['heads', 5, 1],
    ['predict-after-step', 60, 1],
    ['start', 100, 1],
    ['groups', 1, 1],
    ['first-step', 500, 1],
    ['later-step', 500, 7],
    ['step-of-heads', 200, 3],
    ['step-bfloat16-checkpointing', 500, 11],
    ['restore', 50, 1],
    ['keep', 20, 1],
  ]
  const cases = operations.flatMap(([name, least, stride]) => ['once', 'forever'].map((how) => [name, how, least, stride] as const))

  test.each(cases)(
    '%s, %s: ERR_OUT_OF_MEMORY, nothing half done, and the next try gives the same bits',
    async (name, how, least, stride) => {
      const { allocations, codes, wrong, kept } = await seen(name, how, stride)
      expect({ codes: Object.keys(codes), wrong }).toEqual({ codes: ['ERR_OUT_OF_MEMORY'], wrong: [] })
      expect(allocations).toBeGreaterThanOrEqual(least)
      if (kept !== undefined) expect(kept).toBeLessThan(12 * 2 ** 20)
    },
  )

  // Here since allocations are counted: that is how it shows whether a frozen encoder was run.
  test('states of a frozen encoder are kept up to cacheBytes, the shortest rows first', async () => {
    const { found } = await seen('cache', 'once', 1)
    expect(found).toEqual({ 0: [], 19.99: [2, 4], 20: [2, 3, 4], 1000: [0, 1, 2, 3, 4] })
  })

  test.each(['once', 'forever'])('%s: a call of several steps tells of those that were done before', async (how) => {
    const { codes, wrong, done } = await seen('second-step', how, 5)
    expect({ codes: Object.keys(codes).sort(), wrong, done: [...done!].sort() }).toEqual({
      codes: ['ERR_OUT_OF_MEMORY', 'done'],
      wrong: [],
      done: [0, 1, 2],
    })
  })
})
