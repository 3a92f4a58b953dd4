/** How a call's texts are cut into pieces of work: small enough to tokenize without holding up JavaScript, large enough to fill micro-batches. */

/** Tokens of one piece, as estimated; about ten micro-batches. */
const PIECE_TOKENS = 16_384

/** Indices of texts in the order they are worked on, longest first, so that memory peaks at the start and rows of a length meet. */
export function pieces(texts: readonly string[], maxLength: number): number[][] {
  if (texts.length <= 1) return texts.map((_, i) => [i])
  const order = texts.map((_, i) => i).sort((a, b) => texts[b]!.length - texts[a]!.length)
  const out: number[][] = []
  let piece: number[] = []
  let tokens = 0
  for (const index of order) {
    const estimate = estimateTokens(texts[index]!, maxLength)
    if (piece.length > 0 && tokens + estimate > PIECE_TOKENS) {
      out.push(piece)
      piece = []
      tokens = 0
    }
    piece.push(index)
    tokens += estimate
  }
  out.push(piece)
  return out
}

/** English takes four characters a token, Chinese one. */
function estimateTokens(text: string, maxLength: number): number {
  return Math.min(maxLength, 2 + Math.ceil(text.length / 3))
}
