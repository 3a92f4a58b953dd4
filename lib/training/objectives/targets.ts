import type { PreparedSet } from '../../data/targets'
import { SentorchError } from '../../base/errors'
import { vectorDimension } from '../../pooling/poolings'
import type { ResolvedTrain } from '../options/train'
import type { LoadedModel } from '../../model/loaded-model'
import { pickRows, type Corpus } from '../loop/corpus'
import { keepEmbeddings, meanCosine, sentenceVectors } from './keep-embeddings'
import { vectorObjectives, type AskedVectorObjective } from './objectives'

/** Maximum number of rows for the similarity to the original model. */
const SAMPLE_ROWS = 1000

/**
 * The targets of the vector objectives, per data set. Each is computed once and stored in checkpoints: after the first step the original model
 * no longer exists.
 */
export class Targets {
  /** Length of a sentence vector. */
  readonly dimension: number
  readonly #model: LoadedModel
  readonly #options: ResolvedTrain
  readonly #objectives: readonly AskedVectorObjective[]
  /** By `<name of the objective>.<fingerprint of the set>`: [examples, dimension]. */
  readonly #known: Map<string, Float32Array>

  constructor(model: LoadedModel, options: ResolvedTrain, known = new Map<string, Float32Array>()) {
    const { modules, config } = model.folder
    this.dimension = vectorDimension(modules.dense, modules.pooling, config.hiddenSize)
    this.#model = model
    this.#options = options
    this.#objectives = vectorObjectives(model, options)
    this.#known = known
  }

  get names(): string[] {
    return this.#objectives.map(({ kind }) => kind.name)
  }

  /** All vectors computed so far, for a checkpoint. */
  get known(): ReadonlyMap<string, Float32Array> {
    return this.#known
  }

  /** Computes what is missing for the corpus. `isFresh`: no step has been applied, so the model is still the original one. */
  async learn(corpus: Corpus, isFresh: boolean, signal?: AbortSignal): Promise<void> {
    for (const { kind, recipe } of this.#objectives) {
      for (const { name: setName, prepared: set } of corpus.sets) {
        const key = keyOf(kind.name, set)
        const stored = this.#known.get(key)
        if (stored !== undefined) {
          refuseOtherRows(stored.length / this.dimension, set.examples.length, kind.name, setName)
          continue
        }
        const { dimension } = this
        const request = { model: this.#model, options: this.#options, recipe, dimension, set, setName, isFresh, signal }
        this.#known.set(key, await kind.targets(request))
      }
    }
  }

  /** Per objective: [rows of the corpus, dimension]. */
  of(corpus: Corpus): Float32Array[] {
    return this.#objectives.map(({ kind }) => {
      const parts = corpus.sets.map(({ prepared }) => this.#known.get(keyOf(kind.name, prepared))!)
      if (parts.length === 1) return parts[0]!
      const whole = new Float32Array(corpus.examples * this.dimension)
      corpus.sets.forEach(({ start }, i) => whole.set(parts[i]!, start * this.dimension))
      return whole
    })
  }

  /** Mean cosine similarity of the model's vectors and those before training, over up to 1,000 rows; null without `keepEmbeddings`. */
  async similarity(corpus: Corpus, signal?: AbortSignal): Promise<number | null> {
    const place = this.#objectives.findIndex(({ kind }) => kind === keepEmbeddings)
    if (place < 0) return null
    const stride = Math.ceil(corpus.examples / SAMPLE_ROWS)
    const rows = Array.from({ length: Math.ceil(corpus.examples / stride) }, (_, i) => i * stride)
    const original = this.of(corpus)[place]!
    const kept = new Float32Array(rows.length * this.dimension)
    rows.forEach((row, i) => kept.set(original.subarray(row * this.dimension, (row + 1) * this.dimension), i * this.dimension))
    const now = await sentenceVectors(this.#model, pickRows(corpus, rows), this.#objectives[place]!.recipe, signal)
    return meanCosine(now, kept, this.dimension)
  }
}

/** ERR_CHECKPOINT if the number of vectors is wrong, which only happens if a checkpoint was edited. */
function refuseOtherRows(rows: number, examples: number, target: string, set: string): void {
  if (rows === examples) return
  throw new SentorchError(
    'ERR_CHECKPOINT',
    `The checkpoint has ${rows} vectors of '${target}' for the data set '${set}', which has ${examples} examples. Resume an older checkpoint, or start a new run from the model's folder.`,
  )
}

function keyOf(target: string, { fingerprint }: PreparedSet): string {
  return `${target}.${fingerprint}`
}
