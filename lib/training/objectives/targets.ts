import { types } from 'node:util'
import { textOf } from '../../data/align'
import type { PreparedSet } from '../../data/prepared-set'
import { guarded, refusal, untilAborted } from '../../base/arguments'
import { SentorchError, throwIfAborted } from '../../base/errors'
import type { Embeddings } from '../../encode/embeddings'
import { vectorDimension } from '../../pooling/poolings'
import type { ResolvedTrain, Teacher } from '../options/train'
import type { ModelParts } from '../../model/parts'
import type { Corpus } from '../loop/corpus'
import { DISTILL, KEEP, targetTerms } from './request'
import { pickRows } from '../loop/rows'
import { meanCosine, sentenceVectors } from './vectors'

/** Texts that a teacher gets at a time. */
const TEACHER_TEXTS = 256
/** Rows by which similarity to the original is measured. */
const SAMPLE_ROWS = 1000

/**
 * The vectors that sentence vectors learn to be, per target and data set: those of the model before training, and those of a teacher. Each is
 * computed once, and a checkpoint holds it: after the first step the original model is gone.
 */
export class Targets {
  /** Numbers of a sentence vector. */
  readonly dimension: number
  readonly #parts: ModelParts
  readonly #options: ResolvedTrain
  readonly #terms: ReturnType<typeof targetTerms>
  /** By `<name of the target>.<fingerprint of the set>`: [examples, dimension]. */
  readonly #known: Map<string, Float32Array>

  constructor(parts: ModelParts, options: ResolvedTrain, known = new Map<string, Float32Array>()) {
    const { modules, config } = parts.folder
    this.dimension = vectorDimension(modules.dense, modules.pooling, config.hiddenSize)
    this.#parts = parts
    this.#options = options
    this.#terms = targetTerms(parts, options)
    this.#known = known
  }

  get names(): string[] {
    return this.#terms.map(({ name }) => name)
  }

  /** All vectors there are, for a checkpoint. */
  get known(): ReadonlyMap<string, Float32Array> {
    return this.#known
  }

  /** Computes what is missing for the corpus. `isFresh`: no step was applied yet, so the model is still the original. */
  async learn(corpus: Corpus, isFresh: boolean, signal?: AbortSignal): Promise<void> {
    for (const { name, source } of this.#terms) {
      for (const { name: set, prepared } of corpus.sets) {
        const key = keyOf(name, prepared)
        const stored = this.#known.get(key)
        if (stored !== undefined) {
          refuseOtherRows(stored.length / this.dimension, prepared.examples.length, name, set)
          continue
        }
        if (name === DISTILL) {
          this.#known.set(key, await this.#taught(prepared, signal))
        } else if (isFresh) {
          this.#known.set(key, await sentenceVectors(this.#parts, prepared, source, signal))
        } else {
          throw refusal(
            `'${KEEP}' needs the vectors that the model gave before training, and the data set '${set}' is new. ` +
              `Give all data sets together: trainEpoch({ first, second }).`,
          )
        }
      }
    }
  }

  /** Per target [rows of the corpus, dimension]. */
  of(corpus: Corpus): Float32Array[] {
    return this.#terms.map(({ name }) => {
      const parts = corpus.sets.map(({ prepared }) => this.#known.get(keyOf(name, prepared))!)
      if (parts.length === 1) return parts[0]!
      const whole = new Float32Array(corpus.examples * this.dimension)
      corpus.sets.forEach(({ start }, i) => whole.set(parts[i]!, start * this.dimension))
      return whole
    })
  }

  /** Mean cosine of the model's vectors to those before training, over up to 1,000 rows; null without `keepEmbeddings`. */
  async similarity(corpus: Corpus, signal?: AbortSignal): Promise<number | null> {
    const place = this.#terms.findIndex(({ name }) => name === KEEP)
    if (place < 0) return null
    const stride = Math.ceil(corpus.examples / SAMPLE_ROWS)
    const rows = Array.from({ length: Math.ceil(corpus.examples / stride) }, (_, i) => i * stride)
    const original = this.of(corpus)[place]!
    const kept = new Float32Array(rows.length * this.dimension)
    rows.forEach((row, i) => kept.set(original.subarray(row * this.dimension, (row + 1) * this.dimension), i * this.dimension))
    const now = await sentenceVectors(this.#parts, pickRows(corpus, rows), this.#terms[place]!.source, signal)
    return meanCosine(now, kept, this.dimension)
  }

  async #taught({ examples }: PreparedSet, signal?: AbortSignal): Promise<Float32Array> {
    const { teacher } = this.#options.distill!
    const data = new Float32Array(examples.length * this.dimension)
    for (let from = 0; from < examples.length; from += TEACHER_TEXTS) {
      throwIfAborted(signal)
      const texts = examples.slice(from, from + TEACHER_TEXTS).map(textOf)
      const asked = ask(teacher, texts)
      // The teacher may be a function that aborts or disposes of the trainer, and waits for that.
      const vectors = await (signal ? untilAborted(asked, signal) : asked)
      throwIfAborted(signal)
      data.set(checked(vectors, texts.length, this.dimension), from * this.dimension)
    }
    return data
  }
}

/** Only a checkpoint that was changed by hand holds others. */
function refuseOtherRows(rows: number, examples: number, target: string, set: string): void {
  if (rows === examples) return
  throw new SentorchError(
    'ERR_CHECKPOINT',
    `The checkpoint holds ${rows} vectors of '${target}' for the data set '${set}', which has ${examples} examples. Resume an older checkpoint, or begin anew from the model's folder.`,
  )
}

async function ask(teacher: Teacher, texts: readonly string[]): Promise<Embeddings> {
  return guarded('teacher', async () => (typeof teacher === 'function' ? teacher(texts) : teacher.encode(texts)))()
}

function checked(vectors: unknown, rows: number, dimension: number): Float32Array {
  const { data, dimension: given, length } = (vectors ?? {}) as Partial<Embeddings>
  if (!types.isFloat32Array(data) || length !== rows) {
    throw refusal(`'distill.teacher' must give float32 Embeddings, one row a text: ${rows} rows for ${rows} texts.`)
  }
  if (given !== dimension) {
    throw refusal(
      `The teacher's vectors have ${given} dimensions, the model's ${dimension}: choose another teacher, or truncate its vectors.`,
    )
  }
  const wrong = data.findIndex((x) => !Number.isFinite(x))
  if (wrong >= 0) throw refusal(`The teacher gave a vector with a NaN or an infinity (row ${Math.floor(wrong / dimension)} of a batch).`)
  return data
}

function keyOf(target: string, { fingerprint }: PreparedSet): string {
  return `${target}.${fingerprint}`
}
