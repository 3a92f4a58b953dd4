import { Embeddings } from '../../lib/encode/embeddings'
import { similarity, type SimilarityInput } from '../../lib/encode/similarity'
import { SIMILARITY_NAMES, type SimilarityName } from '../../lib/format/modules'
import golden from '../golden/similarity.json'

const CASES = golden.cases.flatMap(({ name, a, b, expected }) =>
  SIMILARITY_NAMES.map((measure) => ({ name, a, b, measure, expected: expected[measure] })),
)

// Python sums in float32; at 384 dimensions its own error is larger than ours.
function expectClose(actual: number[][], expected: number[][]): void {
  expect(actual.map((row) => row.length)).toEqual(expected.map((row) => row.length))
  actual.flat().forEach((x, k) => expect(Math.abs(x - expected.flat()[k]!)).toBeLessThan(4e-6 * Math.max(1, Math.abs(x))))
}

test.each(CASES)('$measure as sentence-transformers gives it: $name', ({ a, b, measure, expected }) => {
  expectClose(similarity(a, b, measure).toArray(), expected)
})

const vectors = golden.cases[0]!.a
const flat = Float32Array.from(vectors.flat())
const forms: [string, SimilarityInput][] = [
  ['arrays', vectors],
  ['typed arrays', vectors.map((row) => Float32Array.from(row))],
  ['embeddings', new Embeddings(flat, 8)],
]

test.each(forms)('%s are the same as any other form', (_, form) => {
  const expected = similarity(vectors, vectors)
  for (const [, other] of forms) expect(similarity(form, other).data).toEqual(expected.data)
})

test.each(SIMILARITY_NAMES)('%s: a row on its own, in a matrix, and the other way round', (measure) => {
  const matrix = similarity(vectors, vectors, measure)
  vectors.forEach((row, i) =>
    vectors.forEach((column, j) => {
      expect(similarity(Float32Array.from(row), [column], measure).toArray()).toEqual([[matrix.at(i, j)]])
      expect(matrix.at(j, i)).toBe(matrix.at(i, j))
    }),
  )
})

test.each(['euclidean', 'manhattan'] as const)('%s: equal rows are at 0, not −0', (measure) => {
  expect(similarity([[1, 2]], [[1, 2]], measure).at(0, 0)).toBe(0)
})

test('cosine is the default', () => {
  expect(similarity([[2, 0]], [[3, 0]]).toArray()).toEqual([[1]])
})

test('no rows', () => {
  expect(similarity([], vectors)).toMatchObject({ rows: 0, columns: 3 })
  expect(similarity(vectors, []).toArray()).toEqual([[], [], []])
  expect(similarity(new Embeddings(new Float32Array(0), 5), vectors).toArray()).toEqual([])
})

test.each<[string, unknown, unknown, string?, string?]>([
  ['different dimensions', [[1, 2]], [[1, 2, 3]], undefined, "'b' must have the same dimension as 'a' (2), but has 3."],
  ['ragged rows', [[1, 2], [3]], [[1, 2]], undefined, 'a[1] must have the same dimension as a[0] (2), but has 1.'],
  // eslint-disable-next-line no-sparse-arrays -- that is what is refused
  ['a hole', [, [1]], [[1]], undefined, 'a[0], received undefined'],
  ['more rows than numbers', [[1, 2]], { data: new Float32Array(4), dimension: 2, length: 1e9 }, undefined, "'b' has 4 numbers, but 1000000000 vectors of dimension 2 need 2000000000."], // prettier-ignore
  ['a negative length', { data: new Float32Array(4), dimension: 2, length: -2 }, [[1, 2]], undefined, 'for a.length'],
  ['a dimension that is not a number', { data: new Float32Array(4), dimension: '2', length: 2 }, [[1, 2]], undefined, 'for a.dimension'],
  ['strings', [['1']], [[1]], undefined, 'a[0]'],
  ['text', 'hello', [[1]], undefined, 'for a'],
  ['null', null, [[1]], undefined, 'for a'],
  ['int8 embeddings', [[1]], new Embeddings(Int8Array.of(1), 1), undefined, 'float32 Embeddings'],
  ['a number for a row', [1, 2], [[1]], undefined, 'a[0]'],
  ['an unknown measure', [[1]], [[1]], 'cos', "'cosine'"],
])('refuses %s', (_, a, b, measure, message) => {
  expect(() => similarity(a as SimilarityInput, b as SimilarityInput, measure as SimilarityName)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining(message!) }),
  )
})

test.each([
  [3, 0],
  [0, 3],
  [-1, 0],
])('at(%i, %i) outside is refused', (i, j) => {
  expect(() => similarity(vectors, vectors).at(i, j)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
})
