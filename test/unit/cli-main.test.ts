import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { CommanderError } from 'commander'
import { InstallProgress } from '../../lib/cli/install-libtorch'
import { bytesText, exitCodeOf, interruptible, reportError } from '../../lib/cli/console'
import { main } from '../../lib/cli/main'
import { SentorchError } from '../../lib/base/errors'
import type { InstallEvent } from '../../lib/libtorch/unpack'
import { withEnvironment } from '../support/environment'
import { scratch } from '../support/scratch'
import { redrawn, terminal } from '../support/terminal'

describe('main', () => {
  let out: string
  let err: string
  beforeEach(() => {
    out = err = ''
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => ((out += String(text)), true))
    jest.spyOn(process.stderr, 'write').mockImplementation((text) => ((err += String(text)), true))
  })
  afterEach(() => {
    jest.restoreAllMocks()
    process.exitCode = undefined
  })

  async function run(...args: string[]): Promise<number> {
    process.exitCode = undefined
    await main(['node', 'sentorch', ...args])
    return Number(process.exitCode ?? 0)
  }

  test.each([
    [[], 2],
    [['--help'], 0],
    [['--version'], 0],
    [['help', 'encode'], 0],
    [['doctr'], 2],
    [['doctor', 'extra'], 2],
    [['doctor', '--jsn'], 2],
    [['install-libtorch', '--offline'], 2],
    [['install-libtorch', '--offline', '/nowhere'], 1],
    [['encode'], 2],
  ])('%j exits with %d', async (args, code) => {
    withEnvironment({ SENTORCH_CACHE: scratch() })
    expect(await run(...args)).toBe(code)
    if (code !== 0) expect(err).not.toBe('')
  })

  test('a failure is its code and a message; the stack comes with --verbose, before or after the command', async () => {
    withEnvironment({ SENTORCH_CACHE: scratch() })
    await run('install-libtorch', '--offline', '/nowhere')
    expect(err).toMatch(/^sentorch: \[ERR_DOWNLOAD\] These wheels are needed in \/nowhere/)
    expect(err).not.toContain('    at ')
    for (const args of [
      ['--verbose', 'install-libtorch'],
      ['install-libtorch', '--verbose'],
    ]) {
      // prettier-ignore
      err = ''
      await run(...args, '--offline', '/nowhere')
      expect(err).toContain('    at ')
    }
  })

  test('doctor prints JSON that says what its exit code says', async () => {
    withEnvironment({ SENTORCH_CACHE: scratch(), SENTORCH_LIBTORCH: '/nowhere' })
    expect(await run('doctor', '--json')).toBe(1)
    expect(JSON.parse(out)).toMatchObject({ ok: false, libtorch: { found: null }, problems: expect.any(Array) })
  })
})

test.each([
  [new SentorchError('ERR_INVALID_ARGUMENT', 'x'), 2],
  [new SentorchError('ERR_DOWNLOAD', 'x'), 1],
  [new CommanderError(0, 'commander.helpDisplayed', ''), 0],
  [new CommanderError(1, 'commander.unknownOption', ''), 2],
  [new Error('x'), 1],
  ['thrown text', 1],
])('exitCodeOf(%p)', (error, code) => {
  expect(exitCodeOf(error)).toBe(code)
})

test('causes are part of a verbose report; odd values are printed too', () => {
  const text = (error: unknown, verbose: boolean): string => {
    const stream = new PassThrough()
    reportError(error, stream, verbose)
    return String(stream.read() ?? '')
  }
  const error = new SentorchError('ERR_INTERNAL', 'outer', { cause: new Error('inner') })
  expect(text(error, false)).toBe('sentorch: [ERR_INTERNAL] outer\n')
  expect(text(error, true)).toMatch(/Caused by: Error: inner/)
  expect(text(Object.assign(new Error('no such file'), { code: 'ENOENT' }), false)).toBe('sentorch: [ENOENT] no such file\n')
  expect(text(null, false)).toBe('sentorch: null\n')
})

test.each([
  [0, '0 kB'],
  [1, '1 kB'],
  [12_345, '13 kB'],
  [530_604_548, '531 MB'],
  [3_639_156_212, '3.6 GB'],
])('bytesText(%d)', (bytes, text) => expect(bytesText(bytes)).toBe(text))

test('the first signal aborts, and the handlers go away', async () => {
  const before = process.listenerCount('SIGTERM')
  const work = interruptible(async (signal) => {
    process.emit('SIGTERM', 'SIGTERM')
    return signal.aborted && process.listenerCount('SIGTERM') === before
  })
  expect(await work).toBe(true)
  expect(process.listenerCount('SIGINT')).toBe(before)
})

describe('install progress', () => {
  const sizes = { downloadBytes: 134e6, installedBytes: 493e6 }
  const plan: InstallEvent = { type: 'plan', method: 'ranges', files: ['a.whl'], folder: '/cache', ...sizes }
  const written = (stream: PassThrough) => String(stream.read() ?? '')

  test('in a pipe: what and how large first, a line now and then, no bar', () => {
    const stream = new PassThrough()
    const progress = new InstallProgress(stream as unknown as NodeJS.WriteStream)
    const clock = jest.spyOn(performance, 'now')
    progress.onEvent(plan)
    expect(written(stream)).toMatch(/134 MB.*493 MB in \/cache\n {2}a\.whl\n$/s)
    for (const [ms, loaded] of [
      [0, 1e6],
      [5_000, 20e6],
      [10_001, 50e6],
      [12_000, 60e6],
      [20_002, 100e6],
    ] as const) {
      // prettier-ignore
      clock.mockReturnValue(1000 + ms)
      progress.onEvent({ type: 'progress', stage: 'download', loaded, total: 134e6 })
    }
    progress.stop()
    clock.mockRestore()
    expect(written(stream)).toBe('downloading: 50 MB of 134 MB, 5 MB/s\ndownloading: 100 MB of 134 MB, 5 MB/s\n')
  })

  test('on a terminal: a bar with rate and time left, which ends before the next message', async () => {
    const { written, stream } = terminal()
    const progress = new InstallProgress(stream as unknown as NodeJS.WriteStream)
    progress.onEvent({ type: 'progress', stage: 'download', loaded: 67e6, total: 134e6 })
    progress.onEvent({ type: 'progress', stage: 'unpack', loaded: 1e6, total: 493e6 })
    progress.onEvent({ type: 'installed', folder: '/cache', bytes: 493e6 })
    const text = written.join('')
    expect(text).toMatch(/downloading .*50% \| 67 MB of 134 MB \| .*\/s \| .* left/)
    expect(text).toMatch(/unpacking/)
    expect(text).toMatch(/Installed 493 MB in \/cache\n$/)
    written.length = 0
    await redrawn()
    expect(written).toEqual([])
  })
})

test('the executable explains itself before anything is built', () => {
  const root = scratch()
  mkdirSync(join(root, 'bin'))
  const file = join(root, 'bin', 'sentorch.js')
  copyFileSync(join(__dirname, '../../bin/sentorch.js'), file)
  const { status, stderr } = spawnSync(process.execPath, [file, 'encode'], { encoding: 'utf8' })
  expect(status).toBe(1)
  expect(stderr).toContain('not built yet')
  expect(stderr).toContain('npm run build')
  expect(statSync(join(__dirname, '../../bin/sentorch.js')).mode & 0o111).not.toBe(0)
})
