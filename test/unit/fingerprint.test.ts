import { createHash } from 'node:crypto'
import { fingerprintOf } from '../../lib/data/dataset'
import { headOf } from '../support/heads'

const head = (name: string, labels: string[]) => headOf({ name, type: 'classification', labels })
const numbers = (...values: number[]) => Int32Array.from(values)

interface Data {
  ids: Int32Array
  offsets: Int32Array
  heads: ReturnType<typeof headOf>[]
  labels: Record<string, Int32Array>
}
const DATA: Data = { ids: numbers(1, 2, 3, 4), offsets: numbers(0, 2, 4), heads: [head('x', ['a', 'b'])], labels: { x: numbers(0, 1) } }
const of = ({ ids, offsets, heads, labels }: Data) => fingerprintOf(ids, offsets, heads, new Map(Object.entries(labels)))

test('equal data have equal fingerprints, also as views of larger arrays', async () => {
  const views = { ...DATA, ids: numbers(9, 1, 2, 3, 4, 9).subarray(1, 5), labels: { x: numbers(7, 0, 1).subarray(1) } }
  expect(await of(views)).toBe(await of(DATA))
  expect(await of(DATA)).toMatch(/^[0-9a-f]{64}$/)
})

test.each<[string, Partial<Data>]>([
  ['tokens', { ids: numbers(1, 2, 3, 5) }],
  ['borders of texts', { offsets: numbers(0, 3, 4) }],
  ['labels', { labels: { x: numbers(1, 1) } }],
  ['names of labels', { heads: [head('x', ['b', 'a'])] }],
  ['name of the head', { heads: [head('y', ['a', 'b'])], labels: { y: numbers(0, 1) } }],
  ['another head', { heads: [head('x', ['a', 'b']), head('y', ['c'])], labels: { x: numbers(0, 1), y: numbers(0, 0) } }],
])('other %s, another fingerprint', async (_, change) => {
  expect(await of({ ...DATA, ...change })).not.toBe(await of(DATA))
})

test('large arrays are hashed one after the other', async () => {
  const large = { ...DATA, ids: Int32Array.from({ length: 2 ** 19 }, (_, i) => i), offsets: new Int32Array(2 ** 19).fill(7) }
  const hash = createHash('sha256').update(large.ids).update(large.offsets).update('["x",["a","b"]]').update(DATA.labels.x!)
  expect(await of(large)).toBe(hash.digest('hex'))
})

test('all of a large array counts', async () => {
  const ids = new Int32Array(2 ** 19)
  const before = await of({ ...DATA, ids })
  ids[ids.length - 1] = 1
  expect(await of({ ...DATA, ids })).not.toBe(before)
})
