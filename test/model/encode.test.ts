import { join } from 'node:path'
import { types } from 'node:util'
import type { LoadRequest } from '../../binding'
import { Model } from '../../lib'
import { openNative } from '../../lib/libtorch/open'
import { expectClose } from '../support/close'
import { collect } from '../support/collect'
import { FIXTURES, makeVariant } from '../support/variant'
import { minilm } from '../support/minilm'

const tiny = join(FIXTURES, 'models', 'bert')
let model: Model
beforeAll(async () => {
  model = await Model.load(tiny, { device: 'cpu', threads: 1 })
})
afterAll(() => model.dispose())

describe('results', () => {
  test('one string gives one vector, several give rows on one buffer', async () => {
    const one = await model.encode('a cat')
    const rows = await model.encode(['a dog', 'a cat'])
    expect(types.isFloat32Array(one)).toBe(true)
    expect(rows.length).toBe(2)
    expect(rows.dimension).toBe(model.info.dimension)
    expect(rows.data.length).toBe(2 * rows.dimension)
    for (const row of rows) expect(row.buffer).toBe(rows.data.buffer)
    expectClose(rows.at(1)!, one, { atol: 1e-6 })
  })

  test('no texts give no rows of the right width', async () => {
    const none = await model.encode([])
    expect([none.length, none.dimension, none.data.length]).toEqual([0, model.info.dimension, 0])
    expect(none.toArray()).toEqual([])
  })

  test('token embeddings come with tokens and UTF-16 offsets', async () => {
    const text = '😀 the cat sat'
    const { tokens, offsets, data, dimension, length } = await model.encode(text, { tokenEmbeddings: true })
    expect(tokens.length).toBe(length)
    expect(data.length).toBe(length * dimension)
    expect(offsets[0]).toEqual([0, 0])
    const at = text.indexOf('the')
    expect(offsets).toContainEqual([at, at + 3])
  })

  test('tokens of a prompt have no place in the text', async () => {
    const plain = await model.encode('the cat', { tokenEmbeddings: true })
    const prompted = await model.encode('the cat', { tokenEmbeddings: true, prompt: 'a dog: ' })
    const places = (result: typeof plain) => result.offsets.filter(([start, end]) => end > start)
    expect(places(prompted)).toEqual(places(plain))
    expect(prompted.length).toBeGreaterThan(plain.length)
  })

  test('progress counts every text once', async () => {
    const texts = Array.from({ length: 3000 }, (_, i) => `text number ${i}`)
    const seen: number[] = []
    await model.encode(texts, { onProgress: ({ texts, totalTexts }) => seen.push(texts / totalTexts) })
    expect(seen.length).toBeGreaterThan(1)
    expect([...seen].sort((a, b) => a - b)).toEqual(seen)
    expect(seen.at(-1)).toBe(1)
  })

  test('countTokens does not cut', async () => {
    const long = 'the cat '.repeat(500)
    expect(await model.countTokens(long)).toBeGreaterThan(1000)
    expect(await model.countTokens(['', long])).toHaveLength(2)
  })
})

describe('texts as they come', () => {
  test('a value that is no string names its index, and nothing runs', async () => {
    const seen: unknown[] = []
    const texts = ['fine', 7 as unknown as string]
    const call = model.encode(texts, { onProgress: (p) => seen.push(p) })
    await expect(call).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT', message: 'Expected a string for texts[1], received 7.' })
    expect(seen).toEqual([])
  })

  test('lone surrogates are read as U+FFFD', async () => {
    const [lone, replaced] = await model.encode(['cat \ud800 dog', 'cat \ufffd dog'])
    expect(lone).toEqual(replaced)
  })

  test('a text of 50 MB costs neither time nor memory', async () => {
    const text = 'the cat sat on the mat and looked '.repeat(1_500_000)
    await model.encode('warm')
    const memory = process.memoryUsage().rss
    const began = performance.now()
    const cut = await model.encode(text)
    // The bound is 2 s on a quiet machine; a shared one may take a few times that.
    expect(performance.now() - began).toBeLessThan(8_000)
    expect(process.memoryUsage().rss - memory).toBeLessThan(200 * 2 ** 20)
    expectClose(cut, await model.encode(text.slice(0, 20_000)), { atol: 0 })
  })
})

describe('many calls', () => {
  test('ten thousand single texts at once', async () => {
    const vectors = await Promise.all(Array.from({ length: 10_000 }, (_, i) => model.encode(`text ${i % 10}`)))
    expect(vectors).toHaveLength(10_000)
    expectClose(vectors[9_999]!, vectors[9]!, { atol: 0 })
  })

  test('beyond the bound of bytes a call is refused at once, and earlier ones are served', async () => {
    const small = await Model.load(tiny, { device: 'cpu', threads: 1, queueBytes: 10_000 })
    const calls = Array.from({ length: 100 }, () =>
      small.encode('x'.repeat(500)).then(
        () => 'served',
        (error: { code: string }) => error.code,
      ),
    )
    const outcomes = await Promise.all(calls)
    expect(new Set(outcomes)).toEqual(new Set(['served', 'ERR_BUSY']))
    expect(outcomes[0]).toBe('served')
    await expect(small.encode('again')).resolves.toBeDefined()
    await expect(small.encode(['x'.repeat(20_000)])).resolves.toBeDefined()
    await small.dispose()
  })
})

describe('abort and dispose', () => {
  const texts = Array.from({ length: 20_000 }, (_, i) => `a longer text that takes its time, number ${i}`)

  test('abort before', async () => {
    const reason = new Error('changed my mind')
    await expect(model.encode('x', { signal: AbortSignal.abort(reason) })).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: reason })
  })

  test('abort during, soon, and the model goes on', async () => {
    const controller = new AbortController()
    const call = model.encode(texts, { signal: controller.signal, onProgress: () => controller.abort() })
    await expect(call).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    await expect(model.encode('next')).resolves.toBeDefined()
  })

  test('abort after changes nothing', async () => {
    const controller = new AbortController()
    const vector = await model.encode('x', { signal: controller.signal })
    controller.abort()
    expect(vector).toEqual(await model.encode('x'))
  })

  describe('abort of loading rejects', () => {
    test('before, and in the turn of the call', async () => {
      await expect(Model.load(tiny, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
      const controller = new AbortController()
      const load = Model.load(tiny, { device: 'cpu', signal: controller.signal })
      controller.abort()
      await expect(load).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    })

    test('while the weights are read: the rest is not', async () => {
      const { addon } = await openNative()
      const controller = new AbortController()
      let outcome: Promise<string> | undefined
      const { Model: Native } = addon
      addon.Model = class extends Native {
        override load(request: LoadRequest) {
          const loading = super.load(request)
          controller.abort()
          outcome = loading.then(
            () => 'loaded',
            (error: { code: string }) => error.code,
          )
          return loading
        }
      }
      const load = Model.load(minilm(), { device: 'cpu', signal: controller.signal }).finally(() => (addon.Model = Native))
      await expect(load).rejects.toMatchObject({ code: 'ERR_ABORTED' })
      expect(await outcome).toBe('ERR_DISPOSED')
    })

    test('when everything was read', async () => {
      const controller = new AbortController()
      const load = Model.load(tiny, { device: 'cpu', signal: controller.signal, onProgress: () => controller.abort() })
      await expect(load).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    })

    test.each(Array.from({ length: 12 }, (_, ticks) => ticks))(
      'or gives a model that works, %i ticks after everything was read',
      async (ticks) => {
        const controller = new AbortController()
        const abort = async () => {
          for (let i = 0; i < ticks; i++) await Promise.resolve()
          controller.abort()
        }
        const load = Model.load(tiny, { device: 'cpu', signal: controller.signal, onProgress: () => void abort() })
        const loaded = await load.catch((error: unknown) => expect(error).toMatchObject({ code: 'ERR_ABORTED' }))
        if (!loaded) return
        await expect(loaded.encode('x')).resolves.toBeDefined()
        await loaded.dispose()
      },
    )

    test('not afterwards', async () => {
      const controller = new AbortController()
      const loaded = await Model.load(tiny, { device: 'cpu', signal: controller.signal })
      controller.abort()
      await expect(loaded.encode('x')).resolves.toBeDefined()
      await loaded.dispose()
    })
  })

  test('dispose during work rejects all of it; twice is once; afterwards every call is refused', async () => {
    const other = await Model.load(tiny, { device: 'cpu', threads: 1 })
    let outcomes: Promise<PromiseSettledResult<unknown>[]> | undefined
    // Called first while most of the texts are under way.
    const onProgress = () => {
      outcomes ??= Promise.allSettled([other.encode('waits'), other.countTokens('waits'), other.dispose(), other.dispose()])
    }
    await expect(other.encode(texts, { onProgress })).rejects.toMatchObject({ code: 'ERR_DISPOSED' })
    const rejected = { reason: { code: 'ERR_DISPOSED' } }
    expect(await outcomes).toMatchObject([rejected, rejected, { status: 'fulfilled' }, { status: 'fulfilled' }])
    await expect(other.encode('late')).rejects.toMatchObject({ code: 'ERR_DISPOSED' })
    await expect(other.countTokens('late')).rejects.toMatchObject({ code: 'ERR_DISPOSED' })
    await expect(collect(other.encodeStream(['late']))).rejects.toMatchObject({ code: 'ERR_DISPOSED' })
  })

  test('await using disposes', async () => {
    let kept: Model
    {
      await using scoped = await Model.load(tiny, { device: 'cpu', threads: 1 })
      kept = scoped
      await scoped.encode('x')
    }
    await expect(kept.encode('x')).rejects.toMatchObject({ code: 'ERR_DISPOSED' })
  })
})

describe('encodeStream', () => {
  async function* lines(count: number, closed?: () => void) {
    try {
      for (let i = 0; i < count; i++) yield `line ${i % 100}`
    } finally {
      closed?.()
    }
  }

  test('batches in order, the same vectors as encode', async () => {
    const batches = await collect(model.encodeStream(lines(250), { batchTexts: 100 }))
    expect(batches.map((batch) => batch.length)).toEqual([100, 100, 50])
    const all = Float32Array.from(batches.flatMap((batch) => [...batch.data]))
    const texts = await collect(lines(250))
    expectClose(all, (await model.encode(texts)).data, { atol: 1e-6 })
  })

  test('stopping early closes the source', async () => {
    const closed = jest.fn()
    for await (const batch of model.encodeStream(lines(1_000_000, closed), { batchTexts: 10 })) {
      expect(batch.length).toBe(10)
      break
    }
    expect(closed).toHaveBeenCalledTimes(1)
  })

  test('a failure of the source is passed on, after what came before it', async () => {
    async function* failing() {
      yield* ['a', 'b']
      await Promise.resolve()
      throw new Error('the disk is gone')
    }
    const seen: number[] = []
    const read = async () => {
      for await (const batch of model.encodeStream(failing(), { batchTexts: 1 })) seen.push(batch.length)
    }
    await expect(read()).rejects.toThrow('the disk is gone')
    expect(seen).toEqual([1])
  })

  test('a value that is no string names its place in the stream', async () => {
    const texts = ['a', 'b', null as unknown as string]
    await expect(collect(model.encodeStream(texts, { batchTexts: 2 }))).rejects.toMatchObject({
      message: 'Expected a string for texts[2], received null.',
    })
  })

  test('int8 of a stream needs ranges', async () => {
    await expect(collect(model.encodeStream(['a'], { precision: 'int8' }))).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  })
})

describe('what was loaded', () => {
  test('a plain transformers folder is pooled by the mean, and says so', async () => {
    const plain = await Model.load(makeVariant({ base: 'bert', files: { 'modules.json': null } }), { device: 'cpu' })
    expect(plain.info.pooling).toEqual(['mean'])
    expect(plain.info.notes.join()).toMatch(/Mean pooling is assumed/)
    await plain.dispose()
  })

  test('a device that is not there is an error, never another device', async () => {
    await expect(Model.load(tiny, { device: 'cuda:99' })).rejects.toMatchObject({ code: 'ERR_DEVICE_UNAVAILABLE' })
    expect(model.info).toMatchObject({ device: 'cpu', deviceReason: 'requested', dtype: 'float32', threads: 1 })
  })
})
