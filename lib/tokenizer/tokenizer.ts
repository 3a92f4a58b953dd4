import { createHash } from 'node:crypto'
import { Tokenizer as Backend, type Encoding } from 'tokenizers'
import { SentorchError, throwIfAborted } from '../base/errors'
import type { EncoderConfig } from '../format/config'
import { openRoot } from '../files/read'
import { refuseFatal, refuseUnknownless, refuseVanishing } from './guards'
import { openingOf, restoreSpans, spaceAfter, steadyAfter, toUtf16, wellFormed, type Opening } from './cut'
import { malformed, shown, type TokenizerFolder } from './files'
import { analysePipeline, readSurroundings, type Pipeline, type Surroundings } from './document'
import { TextQueue } from './queue'
import { readTokenizer, type ReadTokenizer } from './read'
import { refuseUnsafe } from './safety'

/** Ragged rows of token ids: those of text i are ids[offsets[i] … offsets[i+1]), special tokens included. */
export interface TokenBatch {
  ids: Int32Array
  offsets: Int32Array
  /** Indices of the texts that have more tokens than fit into their rows, in ascending order. */
  truncated: readonly number[]
}

export interface TokenBatchWithOffsets extends TokenBatch {
  /** The tokens of each text in the spelling of the vocabulary. */
  tokens: string[][]
  /** For each text: start, end of each token in UTF-16 units of the text; 0, 0 for special tokens. */
  spans: Int32Array[]
  /** For each text: the word of each token, as split by the tokenizer's first step; −1 for the special tokens around the text. */
  wordIds: Int32Array[]
}

export interface TokenizerOptions {
  /** The model's own limit, for `promptLength`. */
  maxLength: number
  /** Whether texts are lower-cased first, as in sentence-transformers with `do_lower_case`. */
  doLowerCase: boolean
  config: Pick<EncoderConfig, 'vocabSize' | 'modelType'>
  /** Whether to accept rules whose time and memory are not known to be bounded. */
  trusted?: boolean
}

/**
 * The parts of the library's `Encoding` that are kept. V8 does not account for its native memory, which would accumulate otherwise.
 * `tokens`, `offsets` (code points) and `words` are empty unless they were requested.
 */
interface Pieces {
  ids: number[]
  tokens: string[]
  offsets: [number, number][]
  words: number[]
}

/** The tokens of one text without the special tokens around it, from its start as far as needed. */
interface Head {
  pieces: Pieces
  /** The tokenized string: the text or a start of it, possibly with long runs shortened. */
  text: string
  gaps: Opening['gaps']
}

/** Longer texts are counted in several parts. */
const COUNT_CHARS = 65_536

/** The tokenizers library needs about 500 bytes per character. */
const MAX_CHARS = 2 ** 22

/** Converts texts to token ids, off the JavaScript thread, with the same results as transformers for the same folder. */
export class Tokenizer {
  static #opened = 0
  /** Unique in the process, so that data prepared with one tokenizer is not used with another. */
  readonly id = ++Tokenizer.#opened
  /** Upper bound of the ids (exclusive), including added tokens. */
  readonly vocabSize: number
  /** Identifies the tokenizer by its content: vocabulary, merges, normalization, splitting and special tokens. */
  readonly fingerprint: string
  /** Notes for users. */
  readonly notes: readonly string[]
  readonly #queue: TextQueue<Pieces>
  readonly #surroundings: Surroundings
  readonly #pipeline: Pipeline
  readonly #specialIds: ReadonlySet<number>
  readonly #maxLength: number
  readonly #tokenName: (id: number) => string

  /**
   * Reads tokenizer.json, or the older files, from a folder or from a folder inside a model. The tokenizers library parses synchronously: a
   * vocabulary of 30,000 blocks the JavaScript thread for 0.05 s, XLM-RoBERTa's 250,000 for about a second.
   * Rejects with ERR_MODEL_FORMAT, ERR_MODEL_UNSUPPORTED, ERR_MODEL_MISMATCH if an id has no row in the embedding
   * table, or ERR_UNSAFE_MODEL.
   */
  static async open(where: string | TokenizerFolder, options: TokenizerOptions): Promise<Tokenizer> {
    const folder = typeof where === 'string' ? { root: await openRoot(where), path: '' } : where
    try {
      return new Tokenizer(await readTokenizer(folder, options.config.modelType, options.doLowerCase), options)
    } catch (error) {
      if (error instanceof SentorchError) throw error
      throw malformed(shown(folder), `has a tokenizer that cannot be read: ${cut((error as Error).message)}`, error)
    }
  }

  private constructor({ document, text, path, notes }: ReadTokenizer, { config, maxLength, trusted }: TokenizerOptions) {
    const largest = largestId(document.model.vocab)
    refuseBeyond(largest, config.vocabSize, path)
    refuseFatal(document)
    refuseUnknownless(document)
    if (!trusted) refuseUnsafe(document, path)
    const backend = Backend.fromString(text)
    const normalizer = backend.getNormalizer()
    refuseVanishing(document.added_tokens, normalizer ? (text) => normalizer.normalizeString(text) : undefined)
    const added = document.added_tokens.map((token) => ({ ...token, id: backend.tokenToId(token.content) ?? token.id }))
    const surroundings = readSurroundings(document.post_processor, path)
    const special = surroundings.before.length + surroundings.after.length
    if (special > maxLength) throw malformed(path, `adds ${special} special tokens to a text, more than the model's limit of ${maxLength}`)
    const all = [largest, ...added.map((token) => token.id), ...surroundings.before, ...surroundings.after]
    this.vocabSize = all.reduce((most, id) => Math.max(most, id), -1) + 1
    refuseBeyond(this.vocabSize - 1, config.vocabSize, path)
    this.fingerprint = createHash('sha256').update(text).digest('hex')
    this.notes = notes
    this.#surroundings = surroundings
    this.#pipeline = analysePipeline(document)
    this.#specialIds = new Set(added.filter((token) => token.special).map((token) => token.id))
    this.#maxLength = maxLength
    this.#queue = new TextQueue(async (texts, detailed) => {
      const encodings = await backend.encodeBatch(texts, { addSpecialTokens: false }).catch((error: unknown) => {
        throw malformed(path, `has a tokenizer that failed on a text: ${cut((error as Error).message)}`, error)
      })
      return encodings.map((encoding, i) => piecesOf(encoding, detailed[i]!))
    })
    this.#tokenName = (id) => backend.idToToken(id) ?? ''
  }

  /** Tokenizes texts, each cut to `maxLength` tokens, special tokens included; lone surrogates become U+FFFD. `maxLength`: at least the special tokens. */
  async encode(texts: readonly string[], maxLength: number, signal?: AbortSignal): Promise<TokenBatch> {
    throwIfAborted(signal)
    const wanted = this.#contentLength(maxLength)
    const rows = await Promise.all(
      // One token more than wanted shows which texts are longer.
      texts.map(async (text) => (await this.#head(text, wanted + 1, false, signal)).pieces.ids),
    )
    return this.#batch(rows, wanted)
  }

  /** The numbers of special tokens before and after the tokens of every text. */
  get surroundings(): { before: number; after: number } {
    return { before: this.#surroundings.before.length, after: this.#surroundings.after.length }
  }

  /** As `encode`, with the spelling, the position and the word of each token. */
  async encodeWithOffsets(texts: readonly string[], maxLength: number, signal?: AbortSignal): Promise<TokenBatchWithOffsets> {
    throwIfAborted(signal)
    const wanted = this.#contentLength(maxLength)
    const { before, after } = this.#surroundings
    const rows = await Promise.all(
      texts.map(async (text) => {
        const head = await this.#head(text, wanted + 1, true, signal)
        const { ids, offsets, tokens, words } = head.pieces
        const length = before.length + Math.min(wanted, ids.length) + after.length
        const spans = new Int32Array(2 * length)
        const inner = toUtf16(head.text, offsets.slice(0, wanted))
        restoreSpans(inner, head.gaps)
        spans.set(inner, 2 * before.length)
        const names = [...before.map(this.#tokenName), ...tokens.slice(0, wanted), ...after.map(this.#tokenName)]
        const wordIds = new Int32Array(length).fill(-1)
        wordIds.set(words.slice(0, wanted), before.length)
        return { ids, spans, tokens: names, wordIds }
      }),
    )
    return {
      ...this.#batch(
        rows.map((row) => row.ids),
        wanted,
      ),
      tokens: rows.map((row) => row.tokens),
      spans: rows.map((row) => row.spans),
      wordIds: rows.map((row) => row.wordIds),
    }
  }

  /** As `encodeWithOffsets`, but without a limit. Long texts are processed in parts, as in `count`. */
  async encodeWhole(texts: readonly string[], signal?: AbortSignal): Promise<TokenBatchWithOffsets> {
    throwIfAborted(signal)
    const rows = await Promise.all(texts.map((text) => this.#wholeRow(text, signal)))
    return {
      ...this.#batch(rows.map((row) => row.ids)),
      tokens: rows.map((row) => this.#around(row.tokens, this.#tokenName)),
      spans: rows.map((row) => Int32Array.from(this.#around(row.spans, () => [0, 0]).flat())),
      wordIds: rows.map((row) => Int32Array.from(this.#around(row.words, () => -1))),
    }
  }

  /** As `encode`, but without a limit. Long texts are processed in parts, as in `count`. */
  async encodeUncut(texts: readonly string[], signal?: AbortSignal): Promise<TokenBatch> {
    throwIfAborted(signal)
    return this.#batch(
      await Promise.all(
        texts.map(async (text) => {
          const ids: number[] = []
          for await (const { pieces } of this.#parts(text, false, signal)) for (const id of pieces.ids) ids.push(id)
          return ids
        }),
      ),
    )
  }

  /** The numbers of special tokens at both ends of a given row: those that `encode` adds, or none. */
  surroundingsOf(ids: Int32Array): { before: number; after: number } {
    const { before, after } = this.#surroundings
    const end = ids.length - after.length
    const there = end >= before.length && before.every((id, i) => ids[i] === id) && after.every((id, i) => ids[end + i] === id)
    return there ? this.surroundings : { before: 0, after: 0 }
  }

  /** The token in the spelling of the vocabulary. */
  tokenName(id: number): string {
    return this.#tokenName(id)
  }

  /** Counts the tokens of each text, special tokens included, without a limit. */
  async count(texts: readonly string[], signal?: AbortSignal): Promise<number[]> {
    throwIfAborted(signal)
    const { before, after } = this.#surroundings
    return Promise.all(texts.map(async (text) => before.length + (await this.#countContent(text, signal)) + after.length))
  }

  /** Number of leading tokens of a prompt as counted by sentence-transformers: including the special tokens before a text, without a final one. */
  async promptLength(prompt: string): Promise<number> {
    const { ids } = await this.encode([prompt], this.#maxLength)
    const last = ids.at(-1)
    return last !== undefined && this.#specialIds.has(last) ? ids.length - 1 : ids.length
  }

  /** Idempotent. Waiting texts and later calls reject with ERR_DISPOSED. */
  dispose(): void {
    this.#queue.close(new SentorchError('ERR_DISPOSED', 'The tokenizer was disposed.'))
  }

  #contentLength(maxLength: number): number {
    return Math.max(0, maxLength - this.#surroundings.before.length - this.#surroundings.after.length)
  }

  /** Rows of at most `limit` tokens, not counting the special tokens that are added. */
  #batch(rows: readonly (readonly number[])[], limit = Infinity): TokenBatch {
    const { before, after } = this.#surroundings
    const offsets = new Int32Array(rows.length + 1)
    const truncated: number[] = []
    rows.forEach((row, i) => {
      if (row.length > limit) truncated.push(i)
      offsets[i + 1] = offsets[i]! + before.length + Math.min(row.length, limit) + after.length
    })
    const ids = new Int32Array(offsets[rows.length]!)
    rows.forEach((row, i) => {
      ids.set(before, offsets[i])
      ids.set(row.length > limit ? row.slice(0, limit) : row, offsets[i]! + before.length)
      ids.set(after, offsets[i + 1]! - after.length)
    })
    return { ids, offsets, truncated }
  }

  /** Rejects with ERR_INVALID_ARGUMENT for a text that would take gigabytes: a huge text that cannot be cut. */
  #submit(text: string, detailed: boolean, signal?: AbortSignal): Promise<Pieces> {
    if (text.length <= MAX_CHARS) return this.#queue.submit(text, detailed, signal)
    const message = `A text has ${text.length} characters but no position where it can be cut without changing its tokens; the limit for such a text is ${MAX_CHARS} characters. Shorten it, or separate its words by spaces.`
    return Promise.reject(new SentorchError('ERR_INVALID_ARGUMENT', message, { detail: { length: text.length, limit: MAX_CHARS } }))
  }

  /** The tokens of the whole text, or of a start of it with the same first `wanted` tokens. */
  async #head(whole: string, wanted: number, detailed: boolean, signal?: AbortSignal): Promise<Head> {
    const { splitsAtSpaces, dropsSpaces, longRuns } = this.#pipeline
    for (let length = Math.max(1024, 8 * wanted); ; length *= 2) {
      throwIfAborted(signal)
      const { text, gaps, complete } = openingOf(whole, splitsAtSpaces ? 3 * length : whole.length, longRuns)
      if (complete) {
        const all = wellFormed(text)
        return { pieces: await this.#submit(all, detailed, signal), text: all, gaps }
      }
      const end = spaceAfter(text, length, dropsSpaces)
      if (end === undefined) {
        const proven = await this.#provenHead(text, length, wanted, detailed, signal)
        if (proven) return { ...proven, gaps }
      } else {
        const start = wellFormed(text.slice(0, end))
        const pieces = await this.#submit(start, detailed, signal)
        if (pieces.ids.length >= wanted) return { pieces, text: start, gaps }
      }
    }
  }

  /**
   * A start of the text that ends at any position, verified with the starts that end up to `window` characters earlier. A token of the whole
   * text ends at one or more of these positions (or a word there is treated as unknown), and up to it the tokens equal those of that start alone:
   * each kind of model either works from left to right or, for byte-pair encoding, gives the same result for every start of its result. So the
   * tokens that all these starts share are tokens of the whole text.
   */
  async #provenHead(
    text: string,
    from: number,
    wanted: number,
    detailed: boolean,
    signal?: AbortSignal,
  ): Promise<Omit<Head, 'gaps'> | undefined> {
    const { window, steady } = this.#pipeline
    const end = window === 0 ? undefined : steadyAfter(text, from, window, steady)
    if (end === undefined) return undefined
    const head = wellFormed(text.slice(0, end))
    const pieces = await this.#submit(head, detailed, signal)
    // One more than needed: the last token may continue after the cut, and its span with it.
    if (pieces.ids.length <= wanted) return undefined
    const ids = pieces.ids.slice(0, wanted + 1)
    for (let shorter = end - 1; shorter > end - window; shorter--) {
      const other = await this.#submit(wellFormed(text.slice(0, shorter)), false, signal)
      if (ids.some((id, i) => other.ids[i] !== id)) return undefined
    }
    return { pieces, text: head }
  }

  async #countContent(whole: string, signal?: AbortSignal): Promise<number> {
    let total = 0
    for await (const { pieces } of this.#parts(whole, false, signal)) total += pieces.ids.length
    return total
  }

  async #wholeRow(whole: string, signal?: AbortSignal) {
    const row = { ids: [] as number[], tokens: [] as string[], spans: [] as [number, number][], words: [] as number[] }
    let firstWord = 0
    for await (const { pieces, text, gaps, start } of this.#parts(whole, true, signal)) {
      const spans = toUtf16(text, pieces.offsets)
      restoreSpans(spans, gaps)
      for (const [i, id] of pieces.ids.entries()) {
        row.ids.push(id)
        row.tokens.push(pieces.tokens[i]!)
        row.spans.push([start + spans[2 * i]!, start + spans[2 * i + 1]!])
        row.words.push(pieces.words[i]! < 0 ? -1 : firstWord + pieces.words[i]!)
      }
      firstWord += 1 + pieces.words.reduce((last, word) => Math.max(last, word), -1)
    }
    return row
  }

  /** The tokens of a whole text without the special tokens around it, part by part; `start`: position of the part. */
  async *#parts(whole: string, detailed: boolean, signal?: AbortSignal): AsyncGenerator<Head & { start: number }> {
    for (let start = 0; start < whole.length;) {
      const end = this.#pieceEnd(whole, start)
      const part = whole.slice(start, end)
      const opening = part.length > 2 * COUNT_CHARS ? openingOf(part, part.length - 1, this.#pipeline.longRuns) : { text: part, gaps: [] }
      const text = wellFormed(opening.text)
      yield { pieces: await this.#submit(text, detailed, signal), text, gaps: opening.gaps, start }
      start = end
    }
  }

  #around<T>(inner: readonly T[], special: (id: number) => T): T[] {
    return [...this.#surroundings.before.map(special), ...inner, ...this.#surroundings.after.map(special)]
  }

  #pieceEnd(text: string, start: number): number {
    if (!this.#pipeline.splitsAtSpaces) return text.length
    for (let from = start + COUNT_CHARS; from < text.length; from += 4000) {
      const end = spaceAfter(text, from, this.#pipeline.dropsSpaces)
      if (end !== undefined) return end
    }
    return text.length
  }
}

function piecesOf(encoding: Encoding, detailed: boolean): Pieces {
  return {
    ids: encoding.getIds(),
    tokens: detailed ? encoding.getTokens() : [],
    offsets: detailed ? (encoding.getOffsets() as [number, number][]) : [],
    words: detailed ? encoding.getWordIds().map((word) => word ?? -1) : [],
  }
}

function largestId(vocab: ReadTokenizer['document']['model']['vocab']): number {
  if (Array.isArray(vocab)) return vocab.length - 1
  let largest = -1
  for (const token in vocab) if (vocab[token]! > largest) largest = vocab[token]!
  return largest
}

function refuseBeyond(largest: number, vocabSize: number, path: string): void {
  if (largest < vocabSize) return
  throw new SentorchError(
    'ERR_MODEL_MISMATCH',
    `${path} has token ids up to ${largest}, but vocab_size in config.json is ${vocabSize} (ids up to ${vocabSize - 1}). ` +
      'The tokenizer belongs to another model.',
    { detail: { path, largestId: largest, vocabSize } },
  )
}

/** Shortens a message of the tokenizers library, which may contain any part of a file. */
function cut(message: string): string {
  return message.length > 200 ? `${message.slice(0, 200)}…` : message
}
