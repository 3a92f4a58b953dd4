import type { NativeModel } from '../../binding'
import { aborted, throwIfAborted } from '../base/errors'
import type { EncodeProgress } from './options'

/** How a call's texts are cut into chunks: small enough to tokenize without holding up JavaScript, large enough to fill micro-batches. */

/** Tokens of one chunk, as estimated; about ten micro-batches. */
const CHUNK_TOKENS = 16_384

/** English takes four characters a token, Chinese one. */
export const CHARS_PER_TOKEN = 3

/**
 * Indices of texts in the order they are worked on, longest first, so that memory peaks at the start and rows of a length meet.
 * `lengths`: characters of each text; `maxLength`: tokens at which each is cut.
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

/** Tokens of a text of so many characters, special ones counted. */
export function estimateTokens(length: number, maxLength: number): number {
  return Math.min(maxLength, 2 + Math.ceil(length / CHARS_PER_TOKEN))
}

/** Chunks that are on their way through the model at a time: one runs, one waits, so that the model's thread never idles. */
const IN_FLIGHT = 2

/** One call's texts, chunk by chunk: read (tokenized) here, worked on by the model. */
export interface ChunkedCall<B extends { ids: Int32Array }> {
  native: Pick<NativeModel, 'abort'>
  /** The number of all native work of this call, for `abort`. */
  task: number
  /** Indices of the texts of each chunk. */
  chunks: readonly (readonly number[])[]
  totalTexts: number
  signal: AbortSignal | undefined
  onProgress: ((progress: EncodeProgress) => unknown) | undefined
  /**
   * Everything is read first and then given to the model in one go: as its work is done in order, no other caller's comes in between.
   * Otherwise reading and work overlap, and other callers wait for two chunks at most.
   */
  together: boolean
  read(indices: readonly number[]): Promise<B>
  /** Gives the chunk to the model before it first waits, and puts its results in their places. */
  work(indices: readonly number[], batch: B): Promise<void>
}

/** Resolves when every chunk is done. The first failure, or an abort, gives up what is under way, which is awaited. */
export async function runChunks<B extends { ids: Int32Array }>(job: ChunkedCall<B>): Promise<void> {
  const { signal } = job
  throwIfAborted(signal)
  const stop = () => job.native.abort(job.task)
  signal?.addEventListener('abort', stop, { once: true })
  const running = new Set<Promise<void>>()
  const held: { indices: readonly number[]; batch: B }[] = []
  const done = { texts: 0, tokens: 0 }
  const start = (indices: readonly number[], batch: B) => {
    throwIfAborted(signal)
    const work = job.work(indices, batch).then(async () => {
      done.texts += indices.length
      done.tokens += batch.ids.length
      await job.onProgress?.({ texts: done.texts, totalTexts: job.totalTexts, tokens: done.tokens })
      // Not before: a listener that fails is seen only while its chunk is in the set.
      running.delete(work)
    })
    work.catch(() => {}) // seen below, through the set
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
    for (const { indices, batch } of held) start(indices, batch)
    await Promise.all(running)
  } catch (error) {
    stop()
    await Promise.allSettled(running)
    throw signal?.aborted ? aborted(signal) : error
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}
