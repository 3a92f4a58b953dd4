import { isSentorchError } from '../../lib'

/** Values that hardly any argument takes; made anew for each use. */
export function wrongValues(): [name: string, value: unknown][] {
  const raise = (): never => {
    throw new TypeError('mine')
  }
  const revoked = Proxy.revocable([], {})
  revoked.revoke()
  return [
    ['undefined', undefined],
    ['null', null],
    ['true', true],
    ['NaN', NaN],
    ['-1', -1],
    ['1.5', 1.5],
    ['2 ** 53', 2 ** 53],
    ['a bigint', 1n],
    ['a symbol', Symbol('x')],
    ["''", ''],
    ["'\\0'", '\0'],
    ["'__proto__'", '__proto__'],
    ['a text', 'no such thing'],
    ['{}', {}],
    ['{ x }', { x: 1 }],
    ['an object without a prototype', Object.create(null)],
    ['an own __proto__', JSON.parse('{"__proto__": 1}')],
    ['[]', []],
    ['a hole', new Array(2)],
    ['[null]', [null]],
    ['[{}]', [{}]],
    ['[[]]', [[]]],
    ['[a symbol]', [Symbol('x')]],
    ['a Date', new Date(0)],
    ['a Map', new Map([['x', 1]])],
    ['an empty Float32Array', new Float32Array()],
    ['a Float32Array with NaN', new Float32Array([NaN, 1])],
    ['a BigInt64Array', new BigInt64Array(2)],
    ['a function that throws', raise],
    ['an object whose getter throws', Object.defineProperty({}, 'text', { get: raise, enumerable: true })],
    ['an array whose getter throws', Object.defineProperty(['x', 'y'], 1, { get: raise, enumerable: true })],
    ['an object whose constructor throws', Object.defineProperty({}, 'constructor', { get: raise })],
    ['a proxy that throws', new Proxy({}, { get: raise, ownKeys: raise, has: raise, getPrototypeOf: raise })],
    ['a revoked proxy', revoked.proxy],
    [
      'a proxy that claims to be long',
      new Proxy([], { get: (target, key) => (key === 'length' ? 1000 : (Reflect.get(target, key) as unknown)) }),
    ],
    ['an iterable that throws', { [Symbol.iterator]: raise }],
    ['an iterable without an iterator', { [Symbol.iterator]: 1 }],
    ['a thenable that throws', { then: raise }],
  ]
}

/** The arguments with one of them, one of their options or one of their items wrong. */
export function* wrongArguments(valid: readonly unknown[]): Generator<[name: string, args: unknown[]]> {
  yield ['no argument', []]
  for (const [place, value] of valid.entries()) {
    const replaced = (other: unknown) => valid.map((each, i) => (i === place ? other : each))
    for (const [name, wrong] of wrongValues()) yield [`argument ${place}: ${name}`, replaced(wrong)]
    if (Array.isArray(value)) {
      for (const [name, wrong] of wrongValues())
        yield [`argument ${place}[0]: ${name}`, replaced([wrong, ...(value.slice(1) as unknown[])])]
    } else if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
      for (const key of [...Object.keys(value), 'unknownKey']) {
        for (const [name, wrong] of wrongValues()) yield [`argument ${place}.${key}: ${name}`, replaced({ ...value, [key]: wrong })]
      }
    }
  }
}

/** How a call ended, where it did not end as the documents promise; undefined: it did. */
export async function misbehaviour(call: () => unknown): Promise<string | undefined> {
  let result: unknown
  try {
    result = call()
  } catch (error) {
    return isSentorchError(error) ? undefined : `threw ${shown(error)}`
  }
  try {
    const settled: unknown = result instanceof Promise ? await result : result
    if (isAsyncIterable(settled)) for await (const _ of settled) break
  } catch (error) {
    return isSentorchError(error) ? undefined : `rejected with ${shown(error)}`
  }
  return undefined
}

/** As `misbehaviour`, of a method that returns a promise and so never throws. */
export function misbehaviourOfPromise(call: () => unknown): Promise<string | undefined> {
  let result: unknown
  try {
    result = call()
  } catch (error) {
    return Promise.resolve(`threw before it returned a promise: ${shown(error)}`)
  }
  return misbehaviour(() => result)
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

function shown(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 3).join(' ') : String(error)
}
