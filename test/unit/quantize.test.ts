import { Embeddings } from '../../lib/encode/embeddings'
import { resolveEncode } from '../../lib/encode/options'
import { type Precision, quantize, quantizedDimension, type Ranges, rangesOf } from '../../lib/encode/quantize'
import golden from '../golden/quantize.json'

interface Case {
  name: string
  dimension: number
  data: number[]
  ranges?: number[][]
  calibration?: number[]
  expected: Partial<Record<Precision, number[]>>
}

function rangesOfCase({ dimension, ranges, calibration }: Case): Ranges | undefined {
  if (ranges) return { min: Float32Array.from(ranges[0]!), max: Float32Array.from(ranges[1]!) }
  return calibration && rangesOf({ data: Float32Array.from(calibration), dimension })
}

const CASES = (golden.cases as Case[]).flatMap((item) =>
  (Object.keys(item.expected) as Precision[]).map((precision) => ({ ...item, precision, values: item.expected[precision]! })),
)

test.each(CASES)('$precision as sentence-transformers gives it: $name', (item) => {
  const result = quantize(Float32Array.from(item.data), item.dimension, item.precision, rangesOfCase(item))
  expect(Array.from(result)).toEqual(item.values)
  expect(result.length / (item.data.length / item.dimension)).toBe(quantizedDimension(item.dimension, item.precision))
})

test.each([
  ['float32', 'Float32Array', 9],
  ['int8', 'Int8Array', 9],
  ['uint8', 'Uint8Array', 9],
  ['binary', 'Int8Array', 2],
  ['ubinary', 'Uint8Array', 2],
] as const)('no rows at %s give an empty %s of dimension %i', (precision, type, dimension) => {
  const result = quantize(new Float32Array(0), 9, precision)
  expect(result.constructor.name).toBe(type)
  expect(new Embeddings(result, quantizedDimension(9, precision))).toMatchObject({ length: 0, dimension })
})

const one = Float32Array.of(1, 2)
test.each([
  ['one row without ranges', () => quantize(one, 2, 'int8'), 'calibration set'],
  ['rows that are not whole', () => quantize(Float32Array.of(1, 2, 3), 2, 'binary'), 'whole vectors of 2'],
  ['ranges of another dimension', () => quantize(one, 2, 'uint8', { min: one.slice(0, 1), max: one.slice(0, 1) }), '2 numbers each'],
  ['an unknown precision', () => quantize(one, 2, 'int4' as Precision), "'int8'"],
  ['plain arrays', () => quantize([1, 2] as unknown as Float32Array, 2, 'int8'), 'a Float32Array'],
  ['no dimension', () => quantize(one, 0, 'int8'), 'dimension'],
  ['a calibration set without a row', () => rangesOf({ data: new Float32Array(0), dimension: 2 }), 'at least one vector'],
  ['a calibration set with NaN', () => rangesOf({ data: Float32Array.of(1, NaN), dimension: 2 }), 'calibration.data[1]'],
])('refuses %s', (_, call, message) => {
  expect(call).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining(message) }))
})

test('float32 is the very buffer', () => {
  expect(quantize(one, 2, 'float32')).toBe(one)
})

test('a calibration set given as an option gives the same bytes as its ranges', () => {
  const item = (golden.cases as Case[]).find(({ calibration }) => calibration?.length === 80)!
  const calibration = { data: Float32Array.from(item.calibration!), dimension: item.dimension }
  const context = {
    modules: { pooling: ['mean' as const], steps: [], dense: [], prompts: {} },
    config: { hiddenSize: item.dimension, usablePositions: 8 },
    texts: 1,
  }
  const resolved = resolveEncode({ precision: 'int8', calibration }, context)
  expect(Array.from(quantize(Float32Array.from(item.data), item.dimension, 'int8', resolved.ranges))).toEqual(item.expected.int8)
})
