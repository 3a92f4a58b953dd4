import { types } from 'node:util'
import { guarded, refusal, untilAborted } from '../../base/arguments'
import { throwIfAborted } from '../../base/errors'
import { textOf } from '../../data/align'
import type { Embeddings } from '../../encode/embeddings'
import type { Teacher } from '../options/tasks'
import type { VectorObjectiveKind } from './vector-objective'

/** Number of texts per call of a teacher. */
const TEACHER_TEXTS = 256

/** Trains sentence vectors, as `encode` returns them, to match those of a teacher. */
export const distill: VectorObjectiveKind = {
  name: 'distill',
  loss: ({ distill }) => distill && { loss: distill.loss, weight: distill.weight },
  async targets({ options, dimension, set: { examples }, signal }) {
    const { teacher } = options.distill!
    const data = new Float32Array(examples.length * dimension)
    for (let from = 0; from < examples.length; from += TEACHER_TEXTS) {
      throwIfAborted(signal)
      const texts = examples.slice(from, from + TEACHER_TEXTS).map(textOf)
      const asked = ask(teacher, texts)
      // The teacher may be a function that aborts training or disposes of the trainer, and waits for that.
      const vectors = await (signal ? untilAborted(asked, signal) : asked)
      throwIfAborted(signal)
      data.set(checked(vectors, texts.length, dimension), from * dimension)
    }
    return data
  },
}

async function ask(teacher: Teacher, texts: readonly string[]): Promise<Embeddings> {
  return guarded('teacher', async () => (typeof teacher === 'function' ? teacher(texts) : teacher.encode(texts)))()
}

function checked(vectors: unknown, rows: number, dimension: number): Float32Array {
  const { data, dimension: given, length } = (vectors ?? {}) as Partial<Embeddings>
  if (!types.isFloat32Array(data) || length !== rows) {
    throw refusal(`'distill.teacher' must return float32 Embeddings with one row per text, ${rows} rows for this call.`)
  }
  if (given !== dimension) {
    throw refusal(
      `The teacher's vectors have ${given} dimensions, the model's ${dimension}: choose another teacher, or truncate its vectors.`,
    )
  }
  const wrong = data.findIndex((x) => !Number.isFinite(x))
  if (wrong >= 0)
    throw refusal(`The teacher returned a vector with a NaN or an infinity (row ${Math.floor(wrong / dimension)} of a batch).`)
  return data
}
