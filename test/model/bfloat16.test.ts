import fs from 'node:fs'
import { join } from 'node:path'
import type { EncoderSource, LoadRequest, TensorSource } from '../../binding'
import { openNative } from '../../lib/libtorch/open'
import { fromNative, nextTask } from '../../lib/native/call'
import { scratch } from '../support/scratch'

/** float32 to the nearest bfloat16 and back, ties to the even one: exact arithmetic in float64. */
function rounded(x: number): number {
  if (x === 0) return x
  const step = 2 ** (Math.floor(Math.log2(Math.abs(x))) - 7)
  const [below, rest] = [Math.floor(x / step), x / step - Math.floor(x / step)]
  const up = rest > 0.5 || (rest === 0.5 && below % 2 !== 0)
  return (below + (up ? 1 : 0)) * step
}

// Half-way between two bfloat16 numbers, just beside that, and anywhere.
const NUMBERS = Array.from({ length: 45 }, (_, i) => {
  const half = (1 + (i % 23) / 128 + 1 / 256) * 2 ** ((i % 9) - 4) * (i % 2 ? 1 : -1)
  return Math.fround(i % 5 === 4 ? half * (1 + (i % 2 ? 1 : -1) * 2 ** -20) : i % 7 === 6 ? half * 1.37 : half)
})

/**
 * A model without layers: its token states are LayerNorm's bias, since LayerNorm's weight is zero. 45 numbers are whole vectors of every kernel set
 * and a rest.
 */
function stored(): { files: string[]; encoder: EncoderSource } {
  const width = NUMBERS.length
  const file = join(scratch(), 'numbers')
  const tables = Float32Array.from({ length: 4 * width }, (_, i) => Math.sin(i))
  fs.writeFileSync(file, new Uint8Array(Float32Array.of(...tables, ...new Float32Array(width), ...NUMBERS).buffer))
  const tensor = (name: string, rows: number, ...shape: number[]): TensorSource => ({
    name,
    file: 0,
    offset: 4 * width * rows,
    dtype: 'F32',
    shape,
  })
  const encoder: EncoderSource = {
    ...{ hiddenSize: width, heads: 1, intermediateSize: 1, layerNormEps: 1e-12, activation: 'gelu', positionPadding: -1, wordPadding: -1 },
    wordEmbeddings: tensor('word', 0, 2, width),
    positionEmbeddings: tensor('position', 2, 2, width),
    tokenTypeEmbeddings: null,
    embeddingNorm: { weight: tensor('weight', 4, width), bias: tensor('bias', 5, width) },
    layers: [],
    relativeAttentionBias: null,
  }
  return { files: [file], encoder }
}

test.each(['auto', 'avx2', 'portable'] as const)('%s kernels round states to the nearest bfloat16, ties to even', async (kernels) => {
  const { addon } = await openNative()
  const model = new addon.Model()
  const request: LoadRequest = { ...stored(), dense: [], dtype: 'bfloat16', device: 'cpu', threads: 1, kernels }
  const { parameters, parameterBytes } = await fromNative(model.load(request))
  // Tables in bfloat16, LayerNorm in float32.
  expect({ parameters, parameterBytes }).toEqual({ parameters: 6 * NUMBERS.length, parameterBytes: NUMBERS.length * (4 * 2 + 2 * 4) })
  const { values } = await fromNative(
    model.encode({
      ...{
        task: nextTask(),
        ids: Int32Array.of(0, 1),
        offsets: Int32Array.of(0, 2),
        pooling: [],
        promptTokens: 0,
        steps: [],
        truncateDim: 0,
      },
      ...{ normalizeLast: false, batchTokens: 8 },
    }),
  )
  expect([...values]).toEqual([...NUMBERS, ...NUMBERS].map(rounded))
  expect(NUMBERS.filter((x) => rounded(x) === x)).toEqual([])
  await fromNative(model.dispose())
})
