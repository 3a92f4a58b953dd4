import { SentorchError } from '../base/errors'
import { steps, type Component } from './document'
import { isObject } from '../files/fields'

/** The special tokens that stand around the tokens of one text. */
export interface Surroundings {
  before: number[]
  after: number[]
}

/**
 * What a post-processor puts around one text. It is read here, and added after the cut, so that one tokenizer serves every limit.
 * Throws ERR_MODEL_UNSUPPORTED for a processor that does more than that.
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
    `The post-processor '${step.type}' of ${path} does more than put special tokens of type 0 around a text.`,
    { detail: { path, type: step.type } },
  )
}
