import { chmodSync, existsSync, readFileSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { installLibtorch, readManifest, type InstallOptions } from '../../lib/libtorch/install'
import type { InstallEvent } from '../../lib/libtorch/unpack'
import { withEnvironment } from '../support/environment'
import { filesIn } from '../support/fake-model'
import { fakeSystem } from '../support/fake-system'
import { fakeWheels } from '../support/fake-wheels'
import { openFiles } from '../support/open-files'
import { scratch, writeFiles } from '../support/scratch'
import { Proxy, SimpleIndex, type IndexFaults } from '../support/simple-index'

jest.mock('../../lib/native/addon', () => ({ loadAddon: () => fakeSystem }))

const platform = 'linux-x64'
const { row, archives, kept, keptForCuda } = fakeWheels()

let cache: string
let events: InstallEvent[]
const closing: { close(): Promise<void> }[] = []

beforeEach(() => {
  cache = scratch()
  events = []
  const untouched = { PIP_EXTRA_INDEX_URL: undefined, PIP_NO_INDEX: undefined, PIP_CERT: undefined, VIRTUAL_ENV: undefined }
  const direct = { HTTP_PROXY: undefined, http_proxy: undefined, HTTPS_PROXY: undefined, https_proxy: undefined, NO_PROXY: undefined }
  withEnvironment({ ...untouched, ...direct, no_proxy: undefined, PIP_CONFIG_FILE: '/dev/null', PIP_INDEX_URL: undefined })
})

afterEach(async () => {
  for (const server of closing.splice(0)) await server.close()
})

async function serve(faults: IndexFaults = {}): Promise<SimpleIndex> {
  const index = await new SimpleIndex(archives, faults).start()
  closing.push(index)
  withEnvironment({ PIP_INDEX_URL: index.url })
  return index
}

function install(options: InstallOptions = {}) {
  return installLibtorch({ ranges: true, cache, row, platform, onEvent: (event) => events.push(event), ...options })
}

const folder = () => join(cache, 'libtorch', '2.11.0-linux-x64')

function expectInstalled(expected: Record<string, Buffer> = kept): void {
  for (const [path, bytes] of Object.entries(expected)) expect(readFileSync(join(folder(), path)).equals(bytes)).toBe(true)
  expect(readdirSync(dirname(folder()))).toEqual(['2.11.0-linux-x64'])
}

/** Neither a folder, nor a stage, nor a lock, nor an open file. */
function expectNothingLeft(): void {
  expect(existsSync(dirname(folder())) ? readdirSync(dirname(folder())) : []).toEqual([])
  expect(openFiles(cache)).toEqual([])
}

function offlineFolder(names: Iterable<string> = archives.keys()): string {
  const files = scratch()
  for (const name of names) writeFileSync(join(files, name), archives.get(name)!)
  return files
}

describe('by ranges', () => {
  const good: [string, IndexFaults][] = [
    ['a JSON index', {}],
    ['an HTML index', { html: true }],
    ['a redirect to another host', { redirect: true }],
    ['an index with a password', { auth: 'user:pass' }],
    ['an index with a password that names files elsewhere', { auth: 'user:pass', elsewhere: true }],
    ['an index with a password that redirects elsewhere', { auth: 'user:pass', redirect: true }],
    ['connections that end early', { breaks: 3, breakAt: 100_000 }],
    ['a member that comes out wrong once', { corrupt: 1 }],
  ]
  test.each(good)('from %s', async (_, faults) => {
    await serve(faults)
    const libtorch = await install()
    expect(libtorch).toMatchObject({ source: 'cache', version: '2.11.0+cu130', root: join(folder(), 'torch'), cudaLibraries: [] })
    expectInstalled()
    expect(existsSync(join(folder(), 'torch/include/google'))).toBe(false)
    expect(existsSync(join(folder(), 'torch/lib/libtorch_cuda.so'))).toBe(false)
    expect(existsSync(join(folder(), 'torch-2.11.0.dist-info/licenses/LICENSE'))).toBe(true)
  })

  test('transfers the needed parts alone, and says how much before', async () => {
    const index = await serve()
    await install()
    const all = [...archives.values()].reduce((sum, { length }) => sum + length, 0)
    const transferred = index.requests.reduce((sum, { range }) => {
      const match = /(\d+)-(\d+)/.exec(range ?? '')
      return match ? sum + Number(match[2]) - Number(match[1]) + 1 : sum
    }, 0)
    expect(transferred).toBeLessThan(all * 0.8)
    const plan = events.find(({ type }) => type === 'plan')!
    const progress = events.filter((event) => event.type === 'progress')
    expect(plan).toMatchObject({ method: 'ranges', files: row.wheels.map(({ file }) => file), folder: folder() })
    expect(events.indexOf(plan)).toBeLessThan(events.indexOf(progress[0]!))
    for (const stage of ['download', 'unpack']) {
      const last = progress.filter((event) => event.stage === stage).at(-1)!
      expect(last.loaded).toBe(last.total)
    }
    const installed = filesIn(folder()).filter((name) => name !== 'manifest.json')
    const bytes = installed.reduce((sum, name) => sum + statSync(join(folder(), name)).size, 0)
    expect(events.at(-1)).toEqual({ type: 'installed', folder: folder(), bytes })
  })

  test('a broken connection is taken up where it ended', async () => {
    const index = await serve({ breaks: 1, breakAt: 300_000 })
    await install()
    const ranges = index.requests.flatMap(
      ({ range }) =>
        /=(\d+)-(\d+)/
          .exec(range ?? '')
          ?.slice(1)
          .map(Number) ?? [],
    )
    const starts = ranges.filter((_, i) => i % 2 === 0)
    expect(starts.some((start) => start % (256 * 1024) !== 0)).toBe(true)
  })

  const bad: [string, IndexFaults, RegExp][] = [
    ['a server without ranges', { noRanges: true }, /ignores byte ranges.*pip.*--offline/s],
    ['a file of another length', { length: 12_345 }, /12345 bytes, not \d+: it is another build/],
    ['a server that refuses', { status: 403 }, /responded with 403/],
    ['a member that stays wrong', { corrupt: 100 }, /is damaged/],
  ]
  test.each(bad)('refuses %s', async (_, faults, message) => {
    await serve(faults)
    await expect(install()).rejects.toMatchObject({ code: 'ERR_DOWNLOAD', message: expect.stringMatching(message) })
    expectNothingLeft()
  })

  test('refuses a wrong password, and never shows it', async () => {
    const index = await serve({ auth: 'user:right' })
    withEnvironment({ PIP_INDEX_URL: index.url.replace('right', 'wrong') })
    const error = await install().catch((error: Error) => error)
    expect(error).toMatchObject({ code: 'ERR_DOWNLOAD', message: expect.stringContaining('401') })
    expect(JSON.stringify(error) + String(error)).not.toContain('wrong')
  })

  test('refuses an index whose address is not a URL', async () => {
    withEnvironment({ PIP_INDEX_URL: 'pypi' })
    await expect(install()).rejects.toMatchObject({ code: 'ERR_DOWNLOAD', message: expect.stringContaining('not a valid URL: pypi') })
    expectNothingLeft()
  })

  test('asks the further indexes for what the first lacks', async () => {
    const first = await new SimpleIndex(new Map([...archives].slice(1))).start()
    const second = await new SimpleIndex(new Map([...archives].slice(0, 1))).start()
    closing.push(first, second)
    withEnvironment({ PIP_INDEX_URL: first.url, PIP_EXTRA_INDEX_URL: second.url })
    await install()
    expectInstalled()
    withEnvironment({ PIP_EXTRA_INDEX_URL: undefined })
    await expect(install({ force: true })).rejects.toMatchObject({
      message: expect.stringMatching(/No index lists torch-2\.11.*responded with 404/s),
    })
    expectInstalled()
  })

  test('goes through the proxy, except where NO_PROXY says so', async () => {
    const proxy = await new Proxy().start()
    closing.push(proxy)
    await serve()
    withEnvironment({ HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url })
    await install()
    expect(proxy.asked.length).toBeGreaterThan(0)
    const before = proxy.asked.length
    withEnvironment({ NO_PROXY: '127.0.0.1' })
    await install({ force: true })
    expect(proxy.asked.length).toBe(before)
  })

  test('with CUDA its libraries come too, and an installation without them is not enough', async () => {
    await serve()
    expect((await install()).cudaLibraries).toEqual([])
    const libtorch = await install({ cuda: true })
    expect(libtorch.cudaLibraries.map((path) => path.split('/').at(-1))).toEqual(['libc10_cuda.so', 'libtorch_cuda.so'])
    expectInstalled({ ...kept, ...keptForCuda })
  })
})

describe('with pip', () => {
  /** A `python3` whose pip copies wheels from a folder, or fails. */
  function fakePip(script: string): void {
    const bin = scratch()
    writeFileSync(join(bin, 'python3'), `#!/bin/sh\ncase "$*" in *--version*) exit 0;; esac\n${script}\n`)
    chmodSync(join(bin, 'python3'), 0o755)
    withEnvironment({ PATH: `${bin}:${process.env.PATH}` })
  }
  const copy = (from: string) => `while [ "$1" != --dest ]; do shift; done; cp ${from}/*.whl "$2"`

  test('takes the wheels that pip downloads', async () => {
    fakePip(`echo "$TMPDIR $PIP_CONSTRAINT $*" > ${cache}/call; ${copy(offlineFolder())}`)
    withEnvironment({ PIP_CONSTRAINT: 'constraints.txt' })
    await install({ ranges: false })
    const call = readFileSync(join(cache, 'call'), 'utf8')
    expect(call).toContain('--no-deps --only-binary=:all:')
    expect(call).toContain('--platform manylinux_2_28_x86_64 --platform manylinux_2_25_x86_64 torch===2.11.0 nvidia-cuda-cupti===13.0.85')
    expect(call.startsWith(join(cache, 'libtorch'))).toBe(true)
    expect(call).not.toContain('constraints.txt')
    expect(events.find(({ type }) => type === 'plan')).toMatchObject({ method: 'pip', installedBytes: row.installedBytes })
    expectInstalled()
  })

  test('says what pip said when it fails', async () => {
    fakePip('echo "no such host: index.example" >&2; exit 3')
    await expect(install({ ranges: false })).rejects.toMatchObject({
      code: 'ERR_DOWNLOAD',
      message: expect.stringMatching(/exit code 3.*no such host: index\.example.*--ranges/s),
    })
    expectNothingLeft()
  })

  test('names the wheels that pip brought instead', async () => {
    fakePip('while [ "$1" != --dest ]; do shift; done; touch "$2/torch-2.11.0+cpu-cp311-cp311-linux_x86_64.whl"')
    const message = expect.stringMatching(/downloaded torch-2\.11\.0\+cpu.* instead of torch-2\.11\.0-cp311/)
    await expect(install({ ranges: false })).rejects.toMatchObject({ code: 'ERR_DOWNLOAD', message })
    expectNothingLeft()
  })

  test('is stopped with its pip', async () => {
    fakePip(`touch ${cache}/started; exec sleep 60`)
    const controller = new AbortController()
    const result = install({ ranges: false, signal: controller.signal }).catch((error: unknown) => error)
    while (!existsSync(join(cache, 'started'))) await new Promise((done) => setTimeout(done, 10))
    controller.abort()
    expect(await result).toMatchObject({ code: 'ERR_ABORTED' })
    expectNothingLeft()
  })

  test('what the listener throws while pip works ends the download', async () => {
    fakePip(`touch ${cache}/started; exec sleep 60`)
    const onEvent = ({ type }: InstallEvent) => {
      if (type === 'progress') throw new Error('listener')
    }
    await expect(install({ ranges: false, onEvent })).rejects.toThrow('listener')
    expectNothingLeft()
  })

  test('without pip the ranges are the way, and without an index it says what to set', async () => {
    withEnvironment({ PATH: scratch() })
    await expect(install({ ranges: false })).rejects.toMatchObject({
      code: 'ERR_DOWNLOAD',
      message: expect.stringContaining('PIP_INDEX_URL'),
    })
    await serve()
    await install({ ranges: false })
    expectInstalled()
  })
})

describe('from a folder', () => {
  test('takes the wheels there and leaves them', async () => {
    const offline = offlineFolder()
    await install({ offline })
    expectInstalled()
    expect(readdirSync(offline)).toHaveLength(archives.size)
    expect(await readManifest(folder())).toMatchObject({ version: '2.11.0', platform, cuda: false })
  })

  test('names the wheels that are absent or incomplete, and how to get them', async () => {
    const [torch, cupti] = [...archives.keys()]
    const offline = offlineFolder([torch!])
    truncateSync(join(offline, torch!), 1000)
    await expect(install({ offline })).rejects.toMatchObject({
      code: 'ERR_DOWNLOAD',
      message: expect.stringMatching(new RegExp(`${torch}  has 1000 bytes.*${cupti}  is missing.*pip download`, 's')),
    })
    expectNothingLeft()
  })

  // In the head of a packed member, deep in one that does not compress (zlib sees nothing there), in the RECORD that all trust rests on,
  // and in the archive's directory.
  test.each([
    ['torch/lib/libc10.so', 0],
    ['torch/lib/libtorch_cpu.so', 1_000_000],
    ['torch-2.11.0.dist-info/RECORD', 0],
    ['PK\x05\x06', 0],
  ])('refuses an archive that is wrong at %j + %d', async (where, offset) => {
    const offline = offlineFolder()
    const file = join(offline, row.wheels[0]!.file)
    const bytes = readFileSync(file)
    const at = bytes.indexOf(where) + where.length + offset
    bytes.fill(0xff, at, at + 10)
    writeFileSync(file, bytes)
    await expect(install({ offline })).rejects.toMatchObject({
      code: 'ERR_DOWNLOAD',
      message: expect.stringContaining('is damaged'),
    })
    expectNothingLeft()
  })

  test('a wheel whose RECORD is another one is refused even where all its members fit it', async () => {
    const other = fakeWheels()
    const offline = scratch()
    for (const [name, bytes] of other.archives) writeFileSync(join(offline, name), bytes)
    const wheels = other.row.wheels.map((wheel, i) => ({ ...wheel, record: row.wheels[i]!.record }))
    await expect(install({ offline, row: { ...other.row, wheels } })).rejects.toMatchObject({ message: expect.stringContaining('RECORD') })
  })
})

describe('whole or not at all', () => {
  test('what is there and undamaged stays; a damaged library or a force replaces it', async () => {
    const offline = offlineFolder()
    await install({ offline })
    await install({ offline: '/nowhere' })
    expect(events.at(-1)).toEqual({ type: 'present', folder: folder() })
    truncateSync(join(folder(), 'torch/lib/libtorch_cpu.so'), 100)
    await install({ offline })
    expectInstalled()
    writeFiles(folder(), { 'torch/lib/left-over': 'x' })
    await install({ offline, force: true })
    expect(existsSync(join(folder(), 'torch/lib/left-over'))).toBe(false)
    expectInstalled()
  })

  test('a failed replacement leaves the former installation', async () => {
    await install({ offline: offlineFolder() })
    await serve({ corrupt: 100 })
    await expect(install({ force: true })).rejects.toMatchObject({ code: 'ERR_DOWNLOAD' })
    expectInstalled()
  })

  test.each(['download', 'unpack'] as const)('an abort while it is busy with %s leaves nothing', async (stage) => {
    await serve()
    const controller = new AbortController()
    const onEvent = (event: InstallEvent) => {
      if (event.type === 'progress' && event.stage === stage) controller.abort()
    }
    await expect(install({ onEvent, signal: controller.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    expectNothingLeft()
  })

  test('a cache that cannot be made is named, with what to set', async () => {
    const file = join(scratch(), 'file')
    writeFileSync(file, '')
    await expect(install({ cache: file, offline: offlineFolder() })).rejects.toMatchObject({
      code: 'ERR_DOWNLOAD',
      message: expect.stringMatching(/^libtorch cannot be installed in .*Set SENTORCH_CACHE to a writable folder\.$/) as string,
    })
  })

  test('an abort while a server is silent', async () => {
    const index = await serve({ stall: true })
    const controller = new AbortController()
    const result = install({ signal: controller.signal }).catch((error: unknown) => error)
    while (index.rangeRequests === 0) await new Promise((done) => setTimeout(done, 5))
    controller.abort()
    expect(await result).toMatchObject({ code: 'ERR_ABORTED' })
    expectNothingLeft()
  })

  test('of two at once, the second waits and finds it installed', async () => {
    const offline = offlineFolder()
    const results = await Promise.all([install({ offline }), install({ offline })])
    expect(results[0]).toEqual(results[1])
    expect(events.filter(({ type }) => type === 'installed')).toHaveLength(1)
    expect(events.filter(({ type }) => type === 'waiting')).toEqual([{ type: 'waiting', pid: process.pid }])
    expectInstalled()
  })
})
