import { oneOf } from '../base/check'
import { functionOf, refusal } from '../base/arguments'
import { SentorchError } from '../base/errors'
import { WINDOW_POOLING, type PoolingName } from '../pooling/poolings'

export const TRUNCATIONS = ['cut', 'error', 'windows'] as const
/** What happens to a text with more tokens than `maxLength`. */
export type Truncation = (typeof TRUNCATIONS)[number]

/** A text of which only the beginning was read. */
export interface TruncatedText {
  /** Index in the texts of the call, or in the stream. */
  index: number
  /** Number of tokens of the whole text, with its prompt and the special tokens. */
  tokens: number
  /** The limit at which it was cut. */
  maxLength: number
}

/** The part of resolved options that concerns texts that are too long. */
export interface ResolvedTruncation<T extends Truncation = Truncation> {
  truncation: T
  onTruncated: ((text: TruncatedText) => unknown) | undefined
  maxLength: number
}

export function truncationOf<T extends Truncation>(
  truncation: T | undefined,
  onTruncated: ((text: TruncatedText) => void) | undefined,
  allowed: readonly T[],
): Omit<ResolvedTruncation<T>, 'maxLength'> {
  return {
    truncation: oneOf('truncation', truncation ?? 'cut', allowed),
    onTruncated: functionOf('onTruncated', onTruncated),
  }
}

/** ERR_INVALID_ARGUMENT for a pooling that windows cannot give. */
export function refuseWindows(pooling: readonly PoolingName[]): void {
  const name = pooling.find((each) => WINDOW_POOLING[each] === undefined)
  if (name === undefined) return
  throw refusal(
    `truncation: 'windows' cannot be combined with the pooling '${name}', which depends on the position of each token in the whole text. Use 'cut' or 'error', or another pooling.`,
  )
}

/** Collects which texts of a call are longer than the limit. */
export class CutTexts {
  readonly #request: ResolvedTruncation
  readonly #lengths: (places: readonly number[]) => Promise<number[]>
  readonly #total: number
  readonly #first: number
  readonly #indices: number[] = []

  /** `lengths`: numbers of tokens of whole texts; `total`: number of texts; `first`: number of texts in earlier batches of a stream. */
  constructor(
    request: ResolvedTruncation,
    { lengths, total, first = 0 }: { lengths: (places: readonly number[]) => Promise<number[]>; total: number; first?: number },
  ) {
    this.#request = request
    this.#lengths = lengths
    this.#total = total
    this.#first = first
  }

  get count(): number {
    return this.#indices.length
  }

  add(index: number): void {
    this.#indices.push(index)
  }

  /** With `truncation: 'error'`: ERR_INVALID_ARGUMENT if a text is too long. Call it when all texts are tokenised. */
  async refuse(): Promise<void> {
    const { truncation, maxLength } = this.#request
    if (truncation !== 'error' || this.count === 0) return
    const [place] = this.#ascending() as [number]
    const [tokens] = await this.#lengths([place])
    const index = this.#first + place
    const others = this.count === 1 ? '' : ` It is the first of ${this.count} such texts among ${this.#total}.`
    throw new SentorchError(
      'ERR_INVALID_ARGUMENT',
      `texts[${index}] has ${tokens} tokens, more than 'maxLength' (${maxLength}), and truncation is 'error'.${others} Shorten it, raise 'maxLength', or choose another 'truncation'.`,
      { detail: { index, tokens, maxLength, truncated: this.count } },
    )
  }

  /** Calls the listener for each text that was cut, in order. Only then are whole texts counted. */
  async report(): Promise<void> {
    const { onTruncated, maxLength } = this.#request
    if (onTruncated === undefined || this.count === 0) return
    const places = this.#ascending()
    const lengths = await this.#lengths(places)
    for (const [i, place] of places.entries()) await onTruncated({ index: this.#first + place, tokens: lengths[i]!, maxLength })
  }

  #ascending(): number[] {
    return this.#indices.sort((a, b) => a - b)
  }
}
