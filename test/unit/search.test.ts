import { Embeddings } from '../../lib/encode/embeddings'
import { search, type SearchHit } from '../../lib/encode/search'
import { refuseForeign, similarity, type SimilarityInput } from '../../lib/encode/similarity'
import type { EmbeddingsSource } from '../../lib/encode/source'
import type { SimilarityName } from '../../lib/format/modules'
import golden from '../golden/search.json'

const rowsOf = (sixtyFourths: number[][]) => sixtyFourths.map((row) => row.map((x) => x / 64))

test.each(golden.cases)('as semantic_search of sentence-transformers: $name, topK $topK', async ({ name, topK, queries, corpus, hits }) => {
  const found = await search(rowsOf(queries), rowsOf(corpus), { topK, measure: name as SimilarityName })
  expect(found.map((row) => row.map((hit) => hit.index))).toEqual(hits.map((row) => row.map(([index]) => index)))
  const scores = found.flat().map((hit) => hit.score)
  hits.flat().forEach(([, score], k) => expect(Math.abs(scores[k]! - score!)).toBeLessThan(4e-6 * Math.max(1, Math.abs(score!))))
})

const random = (rows: number, dimension: number, seed = 1) => {
  let state = seed
  const data = Float32Array.from({ length: rows * dimension }, () => {
    state = (state * 1103515245 + 12345) % 2 ** 31
    return state / 2 ** 30 - 1
  })
  return new Embeddings(data, dimension)
}

test('a corpus of several slices gives what the whole matrix gives, and other work runs meanwhile', async () => {
  const [queries, corpus] = [random(40, 64), random(5000, 64, 2)]
  let ticks = 0
  const timer = setInterval(() => ticks++, 0)
  const found = await search(queries, corpus, { topK: 25 })
  clearInterval(timer)
  expect(ticks).toBeGreaterThan(1)
  const all = similarity(queries, corpus)
  const expected = Array.from({ length: 40 }, (_, i) =>
    Array.from({ length: 5000 }, (_, index) => ({ index, score: all.at(i, index) }))
      .sort((a, b) => b.score - a.score || a.index - b.index)
      .slice(0, 25),
  )
  expect(found).toEqual(expected)
})

test('equal scores in the order of the corpus, minScore, and NaN that is no result', async () => {
  const corpus = [
    [0, 1],
    [1, 0],
    [2, 0],
    [NaN, 0],
    [1, 1],
    [3, 0],
  ]
  const query = Float32Array.of(1, 0)
  const indices = (hits: SearchHit[]) => hits.map((hit) => hit.index)
  expect(indices(await search(query, corpus))).toEqual([1, 2, 5, 4, 0])
  expect(indices(await search(query, corpus, { topK: 2 }))).toEqual([1, 2])
  expect(indices(await search(query, corpus, { minScore: 0.5 }))).toEqual([1, 2, 5, 4])
  expect(await search([[1, 0]], corpus, { minScore: 2 })).toEqual([[]])
  expect(await search([], corpus)).toEqual([])
  expect(await search(query, [])).toEqual([])
})

test.each<[string, unknown, unknown, string]>([
  ['no results', { topK: 0 }, [[1]], 'topK'],
  ['a score that is none', { minScore: NaN }, [[1]], 'minScore'],
  ['a measure that there is not', { measure: 'cos' }, [[1]], 'measure'],
  ['an unknown option', { topk: 3 }, [[1]], 'topK'],
  ['another dimension', {}, [[1, 2]], "'corpus' must have the same dimension as 'queries' (1)"],
])('refuses %s', async (_, options, corpus, named) => {
  const call = search([[1]], corpus as SimilarityInput, options as object)
  await expect(call).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining(named) })
})

test('an abort ends a search between two slices', async () => {
  const controller = new AbortController()
  const running = search(random(200, 64), random(20_000, 64), { signal: controller.signal })
  setImmediate(() => controller.abort())
  await expect(running).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  await expect(search([[1]], [[1]], { signal: controller.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
})

const source = (model: string, fingerprint = model): EmbeddingsSource => ({
  ...{ model, fingerprint, dtype: 'float32', prompt: '', precision: 'float32' },
})
const vectors = (from?: EmbeddingsSource) => new Embeddings(Float32Array.of(1, 0), 2, from)

describe('vectors that cannot be compared', () => {
  const different = {
    code: 'ERR_MODEL_MISMATCH',
    detail: { a: 'x', b: 'y' },
    message: expect.stringMatching(/fingerprint x.*fingerprint y/),
  }

  test('of different fingerprints are refused, and both are named', async () => {
    expect(() => similarity(vectors(source('x')), vectors(source('y')))).toThrow(expect.objectContaining(different))
    const found = { ...different, detail: { queries: 'x', corpus: 'y' } }
    await expect(search(vectors(source('x')), vectors(source('y')))).rejects.toMatchObject(found)
    expect(() => similarity(vectors(source('m', 'x')), vectors(source('m', 'y')))).toThrow('The same model computed both')
  })

  test('of the same fingerprint, or of none, are compared', async () => {
    const other = { ...source('x'), dtype: 'bfloat16', prompt: 'query: ' }
    for (const b of [vectors(source('x')), vectors(other), vectors(), Float32Array.of(1, 0), [[1, 0]]]) {
      expect(similarity(vectors(source('x')), b).at(0, 0)).toBe(1)
      expect(await search(b, vectors(source('x')))).not.toEqual([])
    }
  })

  test('of another model are refused by the methods of a model', () => {
    expect(() => refuseForeign({ a: vectors(source('x', 'derived')), b: vectors() }, 'x')).not.toThrow()
    const foreign = { code: 'ERR_MODEL_MISMATCH', detail: { b: 'y', model: 'x' }, message: expect.stringMatching(/fingerprint y.*has x/) }
    expect(() => refuseForeign({ a: vectors(), b: vectors(source('y')) }, 'x')).toThrow(expect.objectContaining(foreign))
  })
})
