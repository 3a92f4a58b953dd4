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
