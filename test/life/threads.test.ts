import { join } from 'node:path'
import { runProgram } from '../support/child'
import { preloadable } from '../support/preload'
import { FIXTURES } from '../support/variant'

const THREADS = 3
const TOKENIZING = 3

// One thread opens libtorch, one is the model's, and libtorch starts two for each of the other threads of operations.
const LOADING = 2 + 2 * (THREADS - 1)

test.each([0, 1, 2, 3, LOADING, LOADING + TOKENIZING - 1])(
  'where the system refuses a thread beyond %i, loading rejects; it works as soon as there are enough',
  async (limit) => {
    const preload = { LD_PRELOAD: preloadable('limited-threads'), RAYON_NUM_THREADS: `${TOKENIZING}` }
    const args = [join(FIXTURES, 'models', 'bert'), `${THREADS}`, `${limit}`]
    const { stdout, ...ending } = await runProgram('refused-threads', preload, args)
    expect(ending).toEqual({ code: 0, signal: null, stderr: '' })
    expect(stdout).toMatch(/^(ERR_THREADS )+64\n$/)
  },
)
