/** Compile-only: what each call gives, as a user's program sees it. Nothing here runs. */
import { Model, type Embeddings, type TokenEmbeddings } from '../../lib'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** `exactly<T>()(value)` compiles only where the value's type is T, neither wider nor narrower. */
declare function exactly<Expected>(): <Actual>(value: Actual, ...proof: Same<Expected, Actual> extends true ? [] : [never]) => void

export async function results(model: Model, texts: string[], fixed: readonly string[]): Promise<void> {
  exactly<Float32Array>()(await model.encode('one'))
  exactly<Float32Array>()(await model.encode('one', { normalize: true, pooling: ['cls', 'max'], truncateDim: 8 }))
  exactly<Embeddings<Float32Array>>()(await model.encode(texts))
  exactly<Embeddings<Float32Array>>()(await model.encode(fixed, {}))
  exactly<Embeddings<Float32Array>>()(await model.encode(['one', 'two'], { signal: AbortSignal.timeout(1000) }))
  for (const row of await model.encode(texts)) exactly<Float32Array>()(row)
  exactly<number[][]>()((await model.encode(texts)).toArray())

  exactly<Int8Array>()(await model.encode('one', { precision: 'int8', ranges: [[0], [1]] }))
  for (const row of await model.encode(texts, { precision: 'int8' })) exactly<Int8Array>()(row)
  exactly<Int8Array>()((await model.encode(texts, { precision: 'int8' })).data)
  exactly<Embeddings<Uint8Array>>()(await model.encode(texts, { precision: 'uint8' }))
  exactly<Embeddings<Int8Array>>()(await model.encode(texts, { precision: 'binary' }))
  exactly<Embeddings<Uint8Array>>()(await model.encode(texts, { precision: 'ubinary' }))
  exactly<Embeddings<Float32Array>>()(await model.encode(texts, { precision: 'float32' }))

  exactly<TokenEmbeddings>()(await model.encode('one', { tokenEmbeddings: true }))
  exactly<TokenEmbeddings[]>()(await model.encode(texts, { tokenEmbeddings: true }))

  exactly<Float32Array>()(await model.encodeQuery('one'))
  exactly<Embeddings<Float32Array>>()(await model.encodeDocument(texts))
  exactly<Embeddings<Int8Array>>()(await model.encodeDocument(texts, { precision: 'binary' }))

  exactly<number>()(await model.countTokens('one'))
  exactly<number[]>()(await model.countTokens(texts))
}

export async function streams(model: Model, texts: AsyncIterable<string>): Promise<void> {
  for await (const rows of model.encodeStream(texts, { batchTexts: 64 })) exactly<Embeddings<Float32Array>>()(rows)
  for await (const rows of model.encodeStream(['one'])) exactly<Embeddings<Float32Array>>()(rows)
  for await (const rows of model.encodeStream(texts, { precision: 'ubinary' })) exactly<Embeddings<Uint8Array>>()(rows)
}

export async function refusals(model: Model, texts: string[]): Promise<void> {
  // @ts-expect-error an unknown option
  await model.encode(texts, { normalise: true })
  // @ts-expect-error an option of streams
  await model.encode(texts, { batchTexts: 64 })
  // @ts-expect-error an unknown precision
  await model.encode(texts, { precision: 'int4' })
  // @ts-expect-error an unknown pooling
  await model.encode(texts, { pooling: 'median' })
  // @ts-expect-error no text
  await model.encode(1)
  // @ts-expect-error no texts
  await model.encode([1])
  // @ts-expect-error a stream is not for encode
  await model.encode(model.encodeStream(texts))
  // @ts-expect-error an unknown option
  await Model.load('folder', { dtyp: 'bfloat16' })
  // @ts-expect-error an unknown type
  await Model.load('folder', { dtype: 'float16' })
  // @ts-expect-error an int8 result is no Float32Array
  exactly<Embeddings<Float32Array>>()(await model.encode(texts, { precision: 'int8' }))
}
