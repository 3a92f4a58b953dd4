import { getEventListeners } from 'node:events'
import { Dataset } from '../../lib'
import { guarded, itemsOf, outcomeOf, reading, snapshot, takeOptions, untilAborted } from '../../lib/base/arguments'
import { describe as inWords } from '../../lib/base/check'
import { takeData } from '../../lib/data/examples'
import { asSentorchError, typed } from '../../lib/files/file-errors'
import { resolveEncode } from '../../lib/encode/options'
import { resolveFit } from '../../lib/training/options/fit'
import { checkInputs } from '../../lib/predict/inputs'
import { batchesOf } from '../../lib/encode/encoding'
import { collect } from '../support/collect'

const raise = (): never => {
  throw new TypeError('mine')
}
const getter = <T extends object>(target: T, key: PropertyKey, get: () => unknown): T =>
  Object.defineProperty(target, key, { get, enumerable: true })
const unreadable = { code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining('mine'), cause: expect.any(TypeError) }

describe('snapshot', () => {
  test('arrays and plain objects are copied, everything else is kept', () => {
    const instance = new Date()
    const value = { list: [1, { a: 2 }], pattern: /x/, instance, numbers: new Float32Array(2), call: raise }
    const copy = snapshot('x', value)
    expect(copy).toEqual(value)
    expect(copy.list).not.toBe(value.list)
    expect(copy.list[1]).not.toBe(value.list[1])
    for (const key of ['pattern', 'instance', 'numbers', 'call'] as const) expect(copy[key]).toBe(value[key])
  })

  test('each property is read once', () => {
    let reads = 0
    const value = getter({}, 'a', () => ++reads)
    const copy = snapshot('x', value) as { a: number }
    expect([copy.a, copy.a, reads]).toEqual([1, 1, 1])
  })

  test('a value that holds itself keeps its shape, and an own __proto__ is data', () => {
    const round: Record<string, unknown> = {}
    round.self = round
    const copy = snapshot('x', round)
    expect(copy.self).toBe(copy)
    expect(Object.keys(snapshot('x', JSON.parse('{"__proto__": {"a": 1}}') as object))).toEqual(['__proto__'])
  })

  test('an array that only claims to be long is not walked through', () => {
    const proxy = new Proxy([], { get: (target, key) => (key === 'length' ? 1e9 : (Reflect.get(target, key) as unknown)) })
    expect(() => snapshot('x', proxy)).toThrow('at most')
  })

  test('a signal and a teacher are used as they are', () => {
    const options = { signal: { aborted: false }, teacher: { encode: raise }, other: {} }
    const taken = takeOptions('x', options, ['signal', 'teacher', 'other'])
    expect(taken.signal).toBe(options.signal)
    expect(taken.teacher).toBe(options.teacher)
    expect(taken.other).not.toBe(options.other)
  })

  test('inherited options count', () => {
    expect(takeOptions('x', Object.create({ a: 1 }) as object, ['a', 'b'])).toEqual({ a: 1 })
  })
})

describe('what throws while it is read is ERR_INVALID_ARGUMENT, with the error as the cause', () => {
  test.each<[string, () => unknown]>([
    ['a getter', () => reading('x', raise)],
    ['an option', () => takeOptions('x', getter({}, 'a', raise), ['a'])],
    ['the keys of a proxy', () => takeOptions('x', new Proxy({}, { ownKeys: raise }), ['a'])],
    ['a text to predict', () => checkInputs(getter(['a', 'b'], 1, raise), 9)],
    ['ids to predict', () => checkInputs(getter({}, 'ids', raise), 9)],
    ['an example', () => takeData([getter({}, 'text', raise)] as any)],
  ])('%s', (_name, read) => {
    expect(read).toThrow(expect.objectContaining(unreadable))
  })

  test('an example that a generator gives', async () => {
    const source = (function* () {
      yield getter({ labels: {} }, 'text', raise) as { text: string; labels: object }
    })()
    await expect(Dataset.from(source as Iterable<never>)).rejects.toMatchObject(unreadable)
  })

  test('describe prints anything', () => {
    expect(inWords(getter({}, 'constructor', raise))).toBe('an instance of Object')
    expect(inWords({ constructor: { name: Symbol('x') } })).toBe('an instance of Object')
  })
})

describe('later changes change nothing', () => {
  test('an array of examples, and what is in it', async () => {
    const label = { start: 0, end: 1, label: 'x' }
    const example = { text: 'a b', words: ['a', 'b'], labels: { head: [label] } }
    const data = [example, { text: 'c', labels: { head: 'y' as const } }]
    const made = Dataset.from(data)
    data.length = 1
    example.text = 'changed'
    example.words[0] = 'changed'
    label.end = 99
    expect((await made).examples).toEqual([
      { text: 'a b', words: ['a', 'b'], labels: { head: [{ start: 0, end: 1, label: 'x' }] } },
      { text: 'c', labels: { head: 'y' } },
    ])
  })

  test('an example of a generator that is used again', async () => {
    const example = { text: '', labels: {} }
    const source = (function* () {
      for (example.text of ['a', 'b']) yield example
    })()
    expect((await Dataset.from(source)).examples.map(({ text }) => text)).toEqual(['a', 'b'])
  })

  test('data sets by name are copied as the data is', () => {
    const data = { a: [{ text: 'x', labels: {} }] }
    const taken = takeData(data)
    data.a.pop()
    expect(taken.a).toHaveLength(1)
    expect(takeData(taken.a)).toBe(taken.a)
  })

  test('words and ids to predict', () => {
    const words = ['a', 'b']
    const ids = [1, 2]
    const { inputs } = checkInputs([words, { ids }], 9)
    words[0] = 'changed'
    ids[0] = 8
    expect(inputs).toEqual([{ text: 'a b', words: ['a', 'b'] }, { ids: Int32Array.of(1, 2) }])
  })

  test('a hole in a list of texts is refused by its place', () => {
    // eslint-disable-next-line no-sparse-arrays
    expect(() => checkInputs(['a', , 'b'], 9)).toThrow('texts[1]')
  })

  test('data to evaluate on', () => {
    const evaluate = [{ text: 'x', labels: {} }]
    const resolved = resolveFit({ evaluate }, [], undefined)
    evaluate.pop()
    expect(resolved.evaluate).toHaveLength(1)
  })
})

describe("a caller's code that throws is ERR_CALLBACK", () => {
  const callback = { code: 'ERR_CALLBACK', message: 'mine', cause: expect.any(TypeError), detail: { callback: 'onProgress' } }

  test('a function that throws, and one that rejects', async () => {
    expect(guarded('onProgress', raise)).toThrow(expect.objectContaining(callback))
    await expect(guarded('onProgress', async () => raise())()).rejects.toMatchObject(callback)
    expect(guarded('onProgress', (x: number) => x + 1)(1)).toBe(2)
  })

  test('an option that is a function', () => {
    const context = { modules: { pooling: ['mean'], steps: [], dense: [], prompts: {}, maxSeqLength: 8 }, texts: 1 } as any
    const { onProgress } = resolveEncode({ onProgress: raise }, { ...context, config: { hiddenSize: 4, usablePositions: 8 } })
    expect(() => onProgress!({ texts: 0, totalTexts: 0, tokens: 0 })).toThrow(expect.objectContaining(callback))
  })

  test('an error of ours passes', async () => {
    const ours = asSentorchError(new Error('x'))
    await expect(guarded('onProgress', async () => Promise.reject(ours))()).rejects.toBe(ours)
  })

  test('what is no error, and what cannot be printed', () => {
    const thrown = (value: unknown) =>
      guarded('onProgress', () => {
        throw value
      })
    expect(thrown('text')).toThrow(expect.objectContaining({ code: 'ERR_CALLBACK', message: 'text', cause: 'text' }))
    expect(thrown(Object.create(null))).toThrow(expect.objectContaining({ code: 'ERR_CALLBACK' }))
  })

  test('a source that fails to begin, to go on, or to close', async () => {
    const begin = { [Symbol.iterator]: raise }
    const goOn = (function* () {
      yield 'a'
      raise()
    })()
    const close = { [Symbol.iterator]: () => ({ next: () => ({ value: 'a', done: false }), return: raise }) }
    await expect(collect(itemsOf('texts', begin))).rejects.toMatchObject({ code: 'ERR_CALLBACK', detail: { callback: 'texts' } })
    await expect(collect(batchesOf(goOn, 1))).rejects.toMatchObject({ code: 'ERR_CALLBACK', message: 'mine' })
    const stop = async () => {
      for await (const _ of batchesOf(close, 1)) break
    }
    await expect(stop()).rejects.toMatchObject({ code: 'ERR_CALLBACK', message: 'mine' })
  })
})

describe('waiting for a callback until an abort', () => {
  const never = new Promise<number>(() => {})

  test('an abort ends it, before and during the wait', async () => {
    const controller = new AbortController()
    const waiting = untilAborted(never, controller.signal)
    await new Promise(setImmediate)
    controller.abort()
    expect(await waiting).toBeUndefined()
    expect(await untilAborted(never, controller.signal)).toBeUndefined()
  })

  test.each<[string, () => Promise<number>]>([
    ['gave a value', async () => 1],
    ['rejected', () => Promise.reject(new Error('mine'))],
  ])('no listener stays where it %s', async (_, call) => {
    const { signal } = new AbortController()
    const expected = await call().catch(() => undefined)
    expect(await untilAborted(call(), signal).catch(() => undefined)).toBe(expected)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})

describe('the end of every public method', () => {
  test.each([
    ['too many open files', { code: 'EMFILE', syscall: 'open', path: '/m/x' }, 'ERR_FILE', 'ulimit -n'],
    ['too many open files of the system', { code: 'ENFILE', syscall: 'open', path: '/m/x' }, 'ERR_FILE', '/m/x'],
    ['another error of the system', { code: 'EIO', syscall: 'read' }, 'ERR_FILE', 'EIO it is'],
    ['anything else', {}, 'ERR_INTERNAL', 'EIO it is'],
  ])('%s', async (_name, properties, code, message) => {
    const error = Object.assign(new Error('EIO it is'), properties)
    const call = typed(() => Promise.reject(error))
    await expect(call).rejects.toMatchObject({ code, cause: error, message: expect.stringContaining(message) })
  })

  test('what is thrown at once rejects', async () => {
    await expect(typed(raise)).rejects.toMatchObject({ code: 'ERR_INTERNAL', cause: expect.any(TypeError) })
    expect(outcomeOf(raise)).toThrow('mine')
    expect(outcomeOf(() => 1)()).toBe(1)
  })
})
