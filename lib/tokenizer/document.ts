import { SentorchError } from '../base/errors'
import { isObject } from '../files/fields'

/** The parts of `tokenizer.json` that this library examines. Everything else is passed on unchanged. */

export interface Component {
  type: string
  [key: string]: unknown
}

export interface AddedToken {
  content: string
  single_word: boolean
  lstrip: boolean
  rstrip: boolean
  normalized: boolean
  special: boolean
}

export interface ModelDocument {
  type?: string
  vocab: Record<string, number> | [string, number][]
  merges?: unknown
  [key: string]: unknown
}

export interface TokenizerDocument {
  added_tokens: (AddedToken & { id: number })[]
  normalizer: Component | null
  pre_tokenizer: Component | null
  post_processor: Component | null
  model: ModelDocument
  [key: string]: unknown
}

/** Files written by the tokenizers library before 0.10 do not name the type of the model. */
export function modelType(model: ModelDocument): string {
  return model.type ?? (model.merges !== undefined ? 'BPE' : Array.isArray(model.vocab) ? 'Unigram' : 'WordPiece')
}

/** The steps of a normalizer or pre-tokenizer, in order. `list` is the key under which a Sequence stores them. */
export function steps(component: Component | null, list: 'normalizers' | 'pretokenizers' | 'processors'): Component[] {
  if (component === null) return []
  return component.type === 'Sequence' ? (component[list] as Component[]).flatMap((step) => steps(step, list)) : [component]
}

/** The special tokens before and after the tokens of one text. */
export interface Surroundings {
  before: number[]
  after: number[]
}

/**
 * The special tokens that a post-processor adds around one text. They are added here, after the cut, so that one tokenizer serves every limit.
 * Throws ERR_MODEL_UNSUPPORTED if a post-processor does more than that.
 */
export function readSurroundings(postProcessor: Component | null, path: string): Surroundings {
  return steps(postProcessor, 'processors').reduce<Surroundings>(
    ({ before, after }, step) => {
      const inner = surroundingsOf(step, path)
      return { before: [...inner.before, ...before], after: [...after, ...inner.after] }
    },
    { before: [], after: [] },
  )
}

function surroundingsOf(step: Component, path: string): Surroundings {
  if (step.type === 'ByteLevel') return { before: [], after: [] }
  if (step.type === 'BertProcessing' || step.type === 'RobertaProcessing') {
    return { before: [tokenId(step.cls)], after: [tokenId(step.sep)] }
  }
  if (step.type !== 'TemplateProcessing' || !Array.isArray(step.single)) throw unsupported(step, path)
  const around: Surroundings = { before: [], after: [] }
  let texts = 0
  for (const piece of step.single) {
    if (!isObject(piece)) throw unsupported(step, path)
    if (isObject(piece.Sequence)) {
      if (piece.Sequence.id !== 'A' || piece.Sequence.type_id !== 0) throw unsupported(step, path)
      texts++
      continue
    }
    if (!isObject(piece.SpecialToken) || piece.SpecialToken.type_id !== 0 || !isObject(step.special_tokens)) throw unsupported(step, path)
    const entry = step.special_tokens[piece.SpecialToken.id as string]
    if (!isObject(entry) || !Array.isArray(entry.ids)) throw unsupported(step, path)
    around[texts === 0 ? 'before' : 'after'].push(...(entry.ids as number[]))
  }
  if (texts !== 1) throw unsupported(step, path)
  return around
}

function tokenId(pair: unknown): number {
  return (pair as [string, number])[1]
}

function unsupported(step: Component, path: string): SentorchError {
  return new SentorchError(
    'ERR_MODEL_UNSUPPORTED',
    `The post-processor '${step.type}' of ${path} does more than add special tokens of type 0 around a text.`,
    { detail: { path, type: step.type } },
  )
}
