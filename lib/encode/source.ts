import { createHash } from 'node:crypto'
import type { PostStep } from '../../binding'
import type { ModelFolder } from '../format/folder'
import { resolveEncode, type ResolvedEncode } from './options'
import type { Precision } from './quantize'

/** Where vectors come from. */
export interface EmbeddingsSource {
  /** `model.fingerprint` when the vectors were computed. */
  readonly model: string
  /**
   * Identifies compatible vectors: only vectors with the same fingerprint can be compared. It is that of the model, unless options of the call
   * gave other vectors than the model's own: another pooling, normalization or dimension.
   */
  readonly fingerprint: string
  /** Type in which the model computed: 'float32' or 'bfloat16'. The vectors can still be compared with those of the other type. */
  readonly dtype: string
  /** Text that was prepended to every text; `''` if there was none. */
  readonly prompt: string
  /** Type of the elements. */
  readonly precision: Precision
}

/** The parts of a model that determine its vectors. */
export interface VectorModel {
  readonly folder: Pick<ModelFolder, 'encoder' | 'dense' | 'modules' | 'config'>
  readonly tokenizer: { readonly fingerprint: string }
  readonly info: { readonly dtype: string }
  /** The fingerprint of the weights of the encoder and its Dense modules, from the native side. */
  weights: string
}

type Pooled = Pick<ResolvedEncode, 'pooling' | 'steps' | 'truncateDim' | 'normalizeLast'>

/** Identifies the vectors that the model computes by default: weights, tokenizer, pooling, normalization and dimension. */
export function modelFingerprint(model: VectorModel): string {
  const { modules, config } = model.folder
  return fingerprintOf(model, resolveEncode({}, { modules, config, texts: 'streamed' }))
}

/** The source of vectors that were computed with these weights, by default the current ones. */
export function sourceOf(model: VectorModel, request: ResolvedEncode, weights = model.weights): EmbeddingsSource {
  const { prompt, precision } = request
  const then = { ...model, weights }
  return Object.freeze({
    model: modelFingerprint(then),
    fingerprint: fingerprintOf(then, request),
    dtype: model.info.dtype,
    prompt,
    precision,
  })
}

/** A function of what is computed, so that options which repeat the model's own settings do not change it. */
function fingerprintOf({ folder, tokenizer, weights }: VectorModel, pooled: Pooled): string {
  const { hiddenSize, heads, layerNormEps, activation, positionPadding } = folder.encoder
  const encoder = [hiddenSize, heads, layerNormEps, activation, positionPadding]
  const dense = folder.dense.map((module) => module.activation)
  const parts = JSON.stringify([weights, tokenizer.fingerprint, encoder, dense, pooled.pooling, stepsOf(pooled)])
  return createHash('sha256').update(parts).digest('hex').slice(0, 32)
}

/** All steps after pooling. To scale twice in a row is to scale once. */
function stepsOf({ steps, truncateDim, normalizeLast }: Pooled): (PostStep | { first: number })[] {
  const all = [...steps, ...(truncateDim > 0 ? [{ first: truncateDim }] : []), ...(normalizeLast ? ['normalize' as const] : [])]
  return all.filter((step, i) => step !== 'normalize' || all[i - 1] !== 'normalize')
}
