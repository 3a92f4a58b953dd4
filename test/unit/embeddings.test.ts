import { Embeddings } from '../../lib/encode/embeddings'

const rows = [Float32Array.of(1, 2, 3), Float32Array.of(4, 5, 6)]
const embeddings = new Embeddings(Float32Array.of(1, 2, 3, 4, 5, 6), 3)

test('rows are views on one buffer, the same by every way in', () => {
  expect(embeddings).toMatchObject({ length: 2, dimension: 3 })
  expect([...embeddings]).toEqual(rows)
  expect([embeddings.row(0), embeddings.row(1)]).toEqual(rows)
  expect([embeddings.at(0), embeddings.at(1)]).toEqual(rows)
  for (const row of [...embeddings, embeddings.row(1), embeddings.at(-1)!]) expect(row.buffer).toBe(embeddings.data.buffer)
})

test('writing to a row writes to data', () => {
  const own = new Embeddings(Int8Array.of(1, 2), 1)
  own.row(1)[0] = 9
  expect(own.data).toEqual(Int8Array.of(1, 9))
})

test.each([
  [-1, rows[1]],
  [-2, rows[0]],
  [-3, undefined],
  [2, undefined],
  [1.9, rows[1]],
  [NaN, rows[0]],
])('at(%p) is that of an array', (index, expected) => {
  expect(embeddings.at(index)).toEqual(expected)
  expect(embeddings.at(index)).toEqual(rows.at(index))
})

test.each([-1, 2, 0.5, NaN, '0' as unknown as number])('row(%p) is refused', (index) => {
  expect(() => embeddings.row(index)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
})

test('data that lies inside a larger buffer keeps its place', () => {
  const large = Uint8Array.of(0, 0, 1, 2, 3, 4)
  expect(new Embeddings(large.subarray(2), 2).toArray()).toEqual([
    [1, 2],
    [3, 4],
  ])
})

test('toArray is plain JSON', () => {
  expect(JSON.stringify(embeddings.toArray())).toBe('[[1,2,3],[4,5,6]]')
})

test('0 × d', () => {
  const none = new Embeddings(new Float32Array(0), 7)
  expect([...none]).toEqual([])
  expect(none).toMatchObject({ length: 0, dimension: 7 })
  expect(none.at(0)).toBeUndefined()
  expect(() => none.row(0)).toThrow('index')
})

test.each([0, -1, 1.5, 4])('a dimension of %p that does not divide the data is refused', (dimension) => {
  expect(() => new Embeddings(new Float32Array(6), dimension)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
})
