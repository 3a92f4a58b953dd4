import { join } from 'node:path'
import { runProgram } from '../support/child'
import { minilm } from '../support/minilm'
import { FIXTURES } from '../support/variant'

const environment = () => ({ SENTORCH_LIFE_MODEL: minilm() })

describe('a program with a model ends as it would without the addon', () => {
  test.each([
    ['idle', { code: 0, signal: null }],
    ['exit', { code: 7, signal: null }],
    ['throw', { code: 1, signal: null }],
    ['reject', { code: 1, signal: null }],
    ['sigterm', { code: null, signal: 'SIGTERM' }],
  ])('%s', async (name, ending) => {
    const own = await runProgram(name, { ...environment(), SENTORCH_LIFE: 'off' })
    expect(own).toMatchObject(ending)
    expect(await runProgram(name, environment())).toEqual(own)
  })

  test('process.exit() mid-encode, again and again', async () => {
    for (let i = 0; i < 10; i++) expect(await runProgram('exit', environment())).toEqual({ code: 7, signal: null, stdout: '', stderr: '' })
  }, 120_000)

  test.each([
    ['encode', [0, 20, 60, 100, 150, 200, 300, 400, 500, 700]],
    ['train', [60, 200, 400, 700, 1000]],
    ['load', [1, 30, 100, 200, 350]],
  ])(
    'process.reallyExit() during %s',
    async (work, times) => {
      for (const ms of times) {
        const ending = await runProgram('really-exits', environment(), [work, String(ms)])
        expect({ ms, ...ending }).toEqual({ ms, code: 7, signal: null, stdout: '', stderr: '' })
      }
    },
    120_000,
  )

  test.each(['exit', 'reallyExit'])('process.%s() does not wait for the end of long work', async (how) => {
    const { stdout, ...ending } = await runProgram('exits-in-long-work', {}, [join(FIXTURES, 'models', 'bert'), how])
    expect(ending).toEqual({ code: 7, signal: null, stderr: '' })
    expect(Date.now() - Number(stdout)).toBeLessThan(8_000)
  })

  test.each([1, 30, 100, 200, 350, 500, 700])('process.exit() %i ms into loading', async (ms) => {
    expect(await runProgram('loading-exit', environment(), [String(ms)])).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
  })
})

test('a model without references is kept while work is out and collected afterwards; none is made when the process ends', async () => {
  const ending = await runProgram('held-and-let-go', {}, [join(FIXTURES, 'models', 'bert')])
  expect(ending).toEqual({ code: 0, signal: null, stdout: '-1 collected\nERR_DISPOSED\n', stderr: '' })
})

test('memory comes back: what stays of a model is far less than the model', async () => {
  const { stdout, ...ending } = await runProgram('memory-comes-back', environment())
  expect(ending).toEqual({ code: 0, signal: null, stderr: '' })
  expect(Number(stdout)).toBeLessThan(10)
})

test.each([
  [{}, 'unset\n'],
  [{ GOMP_SPINCOUNT: '7' }, '7\n'],
])('the environment is as before once libtorch is open: %o', async (given, stdout) => {
  const ending = await runProgram('spin', { SENTORCH_LIFE_MODEL: join(FIXTURES, 'models', 'bert'), GOMP_SPINCOUNT: undefined, ...given })
  expect(ending).toEqual({ code: 0, signal: null, stdout, stderr: '' })
})

describe('worker threads', () => {
  test.each([
    ['workers-and-main', 0, '0 0\n'],
    ['main-exits-under-workers', 5, ''],
    ['loaded-twice', 0, ''],
    ['disposed-in-work', 0, 'ERR_DISPOSED ERR_DISPOSED\n'],
  ])('%s', async (name, code, stdout) => {
    expect(await runProgram(name, environment())).toEqual({ code, signal: null, stdout, stderr: '' })
  })

  test('fifty workers terminated mid-encode', async () => {
    expect(await runProgram('workers-terminated', environment())).toEqual({ code: 0, signal: null, stdout: 'terminated 50\n', stderr: '' })
  }, 240_000)
})
