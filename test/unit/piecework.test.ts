import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Admission } from '../../lib/model/loaded-model'
import { RepositoryCache } from '../../lib/hub/cache'
import { runChunks, type ChunkedCall } from '../../lib/encode/chunks'
import { ahead, batchesOf } from '../../lib/encode/encoding'
import { collect } from '../support/collect'
import { folderOf, scratch } from '../support/scratch'

function raise(): never {
  throw new Error('mine')
}

describe('admission', () => {
  test('work that failed holds no bytes any more', async () => {
    const admission = new Admission(10)
    await expect(admission.hold(10, () => Promise.reject(new Error('mine')))).rejects.toThrow('mine')
    let release = () => {}
    const held = admission.hold(6, () => new Promise<void>((resolve) => (release = resolve)))
    await expect(admission.hold(5, async () => 1)).rejects.toMatchObject({ code: 'ERR_BUSY', detail: { waiting: 6, added: 5, limit: 10 } })
    expect(await admission.hold(4, async () => 1)).toBe(1)
    release()
    await held
    expect(await admission.hold(10, async () => 1)).toBe(1)
  })
})

describe('pieces', () => {
  type Job = ChunkedCall<{ ids: Int32Array }>
  const job = (work: Job['work'], signal?: AbortSignal, more: Partial<Pick<Job, 'onProgress' | 'read'>> = {}) => {
    const aborts: number[] = []
    const run = runChunks({
      native: { abort: (task: number) => void aborts.push(task) },
      chunks: [[0], [1], [2]],
      totalTexts: 3,
      signal,
      onProgress: undefined,
      together: false,
      read: async () => ({ ids: new Int32Array(1) }),
      work,
      ...more,
    })
    return { run, aborts }
  }

  test('a failure gives up what runs, and is told only when that is over', async () => {
    let end = () => {}
    const events: string[] = []
    const { run, aborts } = job(([index]) => {
      if (index === 1) return Promise.reject(new Error('mine'))
      return new Promise<void>((resolve) => (end = resolve)).then(() => void events.push('over'))
    })
    const told = run.catch(() => void events.push('told'))
    await new Promise(setImmediate)
    expect([events, aborts]).toEqual([[], [expect.any(Number)]])
    end()
    await told
    expect(events).toEqual(['over', 'told'])
  })

  test.each([
    ['throws', () => raise()],
    ['rejects', async () => raise()],
  ])('a listener that %s while the next piece is read ends the call', async (_, onProgress) => {
    const read = async (indices: readonly number[]) => {
      if (indices[0]! > 0) await new Promise((resolve) => setTimeout(resolve, 5))
      return { ids: new Int32Array(1) }
    }
    const { run, aborts } = job(async () => {}, undefined, { onProgress, read })
    await expect(run).rejects.toThrow('mine')
    expect(new Set(aborts).size).toBe(1)
  })

  test('a signal is listened to while the pieces run, and not longer', async () => {
    const { signal } = new AbortController()
    const added = jest.spyOn(signal, 'addEventListener')
    const removed = jest.spyOn(signal, 'removeEventListener')
    await job(async () => {}, signal).run
    await job(() => Promise.reject(new Error('mine')), signal).run.catch(() => {})
    expect(added).toHaveBeenCalledTimes(2)
    expect(removed.mock.calls.map(([, listener]) => listener)).toEqual(added.mock.calls.map(([, listener]) => listener))
  })
})

describe('streams', () => {
  test('a batch ends with its number of texts, or with its characters', async () => {
    const long = 'x'.repeat(2 ** 22)
    const batches = await collect(batchesOf(['a', 'b', 'c', long, long, 'd'], 2))
    expect(batches.map((batch) => batch.map((text) => text.length))).toEqual([
      [1, 1],
      [1, 2 ** 22],
      [2 ** 22, 1],
    ])
    expect((await collect(batchesOf([long, long, 'd'], 100))).map((batch) => batch.length)).toEqual([2, 1])
  })

  test('stopping early closes the source and waits for what was begun', async () => {
    const events: string[] = []
    const source = (async function* () {
      try {
        for (let i = 0; ; i++) yield i
      } finally {
        events.push('closed')
      }
    })()
    const work = async (item: number) => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      events.push(`done ${item}`)
      return item
    }
    for await (const item of ahead(source, work)) {
      events.push(`got ${item}`)
      break
    }
    expect([...events].sort()).toEqual(['closed', 'done 0', 'done 1', 'got 0'])
  })
})

describe('the cache of the hub', () => {
  const commit = 'a'.repeat(40)

  test.each(['', '\n', ' \r\n'])('a revision whose file ends with %j', async (end) => {
    const root = folderOf({ 'models--o--n/refs/main': `${commit}${end}` })
    expect(await new RepositoryCache(root, 'o/n').readRef('main')).toBe(commit)
  })

  test('a snapshot that links to a blob which was cut short lacks that file', async () => {
    const root = scratch()
    const cache = new RepositoryCache(root, 'o/n')
    mkdirSync(cache.snapshot(commit), { recursive: true })
    mkdirSync(join(cache.folder, 'blobs'))
    writeFileSync(cache.blob('e'.repeat(40)), 'cut')
    symlinkSync(cache.blob('e'.repeat(40)), join(cache.snapshot(commit), 'model.safetensors'))
    expect(await cache.has(commit, 'model.safetensors', 3)).toBe(true)
    expect(await cache.has(commit, 'model.safetensors', 4)).toBe(false)
  })

  test('a file that cannot take its place in the snapshot is a failure, unless another process has put it there', async () => {
    const cache = new RepositoryCache(scratch(), 'o/n')
    const file = { path: 'config.json', size: 5, etag: 'e'.repeat(40) }
    const pointer = join(cache.snapshot(commit), file.path)
    mkdirSync(join(pointer, 'in the way'), { recursive: true })
    mkdirSync(join(cache.folder, 'blobs'))
    writeFileSync(cache.blob(file.etag), 'bytes')
    await expect(cache.link(commit, file)).rejects.toMatchObject({ code: expect.stringMatching(/EISDIR|ENOTEMPTY|EEXIST|EPERM/) as string })
    expect(readdirSync(cache.snapshot(commit))).toEqual([file.path])
    rmSync(pointer, { recursive: true })
    await Promise.all(Array.from({ length: 8 }, () => cache.link(commit, file)))
    expect(readFileSync(pointer, 'utf8')).toBe('bytes')
    expect(readdirSync(cache.snapshot(commit))).toEqual([file.path])
  })

  test('a listing in the cache that has no modules.json says that there is none', async () => {
    const names = ['config.json', 'tokenizer.json', 'model.safetensors']
    const files = Object.fromEntries(names.map((name) => [`models--o--n/snapshots/${commit}/${name}`, 'xx']))
    const listing = Object.fromEntries(names.map((name) => [name, { size: 2, blob_id: 'e'.repeat(40) }]))
    const root = folderOf(files)
    const cache = new RepositoryCache(root, 'o/n')
    expect(await cache.lacking(commit)).toEqual(['modules.json'])
    mkdirSync(join(cache.folder, 'trees'))
    writeFileSync(join(cache.folder, 'trees', `${commit}.json`), JSON.stringify({ format_version: 1, files: listing }))
    expect(await cache.lacking(commit)).toEqual([])
  })
})
