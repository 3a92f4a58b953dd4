import type { NativeModel } from '../../binding'
import { throwIfAborted } from '../base/errors'
import { abortable } from '../native/call'
import type { EncodeProgress } from './options'

/** Cuts the texts of a call into chunks: small enough not to block JavaScript during tokenization, large enough to fill micro-batches. */

/** Estimated tokens per chunk: about ten micro-batches. */
const CHUNK_TOKENS = 16_384

/** English has about four characters per token, Chinese one. */
export const CHARS_PER_TOKEN = 3

/**
 * Indices of texts in processing order, longest first, so that memory use peaks at the start and rows of equal length share a batch.
 * `lengths`: characters of each text; `maxLength`: the number of tokens at which each text is cut.
 */
export function chunksOf(lengths: readonly number[], maxLength: number): number[][] {
  if (lengths.length <= 1) return lengths.map((_, i) => [i])
  const order = lengths.map((_, i) => i).sort((a, b) => lengths[b]! - lengths[a]!)
  const out: number[][] = []
  let chunk: number[] = []
  let tokens = 0
  for (const index of order) {
    const estimate = estimateTokens(lengths[index]!, maxLength)
    if (chunk.length > 0 && tokens + estimate > CHUNK_TOKENS) {
      out.push(chunk)
      chunk = []
      tokens = 0
    }
    chunk.push(index)
    tokens += estimate
  }
  out.push(chunk)
  return out
}

/** Estimated tokens of a text with this many characters, special tokens included. */
export function estimateTokens(length: number, maxLength: number): number {
  return Math.min(maxLength, 2 + Math.ceil(length / CHARS_PER_TOKEN))
}

/** Number of chunks in flight at a time: one runs and one waits, so that the model's thread is never idle. */
const IN_FLIGHT = 2

/** The texts of one call, processed in chunks: each is tokenized here and then computed by the model. */
export interface ChunkedCall<B extends { ids: Int32Array }> {
  native: Pick<NativeModel, 'abort'>
  /** Indices of the texts in each chunk. */
  chunks: readonly (readonly number[])[]
  totalTexts: number
  signal: AbortSignal | undefined
  onProgress: ((progress: EncodeProgress) => unknown) | undefined
  /**
   * If true, all chunks are read before any is submitted. The model works in order, so no other caller's work runs between them.
   * Otherwise reading overlaps with computing, and other callers wait for two chunks at most.
   */
  together: boolean
  read(indices: readonly number[]): Promise<B>
  /** Called with `together`: when all chunks are read, and before any is submitted. */
  ready?: () => Promise<void>
  /** Submits the chunk to the model under this task number, before it first awaits, and stores the results at their positions. */
  work(indices: readonly number[], batch: B, task: number): Promise<void>
}

/** Resolves when every chunk is done. After the first failure or an abort it cancels the chunks in flight and waits for them. */
export function runChunks<B extends { ids: Int32Array }>(job: ChunkedCall<B>): Promise<void> {
  return abortable(job.native, job.signal, async (task) => {
    const running = new Set<Promise<void>>()
    const held: { indices: readonly number[]; batch: B }[] = []
    const done = { texts: 0, tokens: 0 }
    const start = (indices: readonly number[], batch: B) => {
      throwIfAborted(job.signal)
      const work = job.work(indices, batch, task).then(async () => {
        done.texts += indices.length
        done.tokens += batch.ids.length
        await job.onProgress?.({ texts: done.texts, totalTexts: job.totalTexts, tokens: done.tokens })
        // Registered late: a failing listener is noticed only while its chunk is in the set.
        running.delete(work)
      })
      work.catch(() => {}) // handled below, through the set
      running.add(work)
    }
    try {
      for (const indices of job.chunks) {
        const batch = await job.read(indices)
        if (job.together) {
          held.push({ indices, batch })
          continue
        }
        while (running.size >= IN_FLIGHT) await Promise.race(running)
        start(indices, batch)
      }
      await job.ready?.()
      for (const { indices, batch } of held) start(indices, batch)
      await Promise.all(running)
    } catch (error) {
      job.native.abort(task)
      await Promise.allSettled(running)
      throw error
    }
  })
}
