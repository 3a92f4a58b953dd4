/** The shapes of `tokenizer.json` that this library looks into; everything else is passed on as it is. */

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

/** Files from before 0.10 of the tokenizers library do not name the model's type. */
export function modelType(model: ModelDocument): string {
  return model.type ?? (model.merges !== undefined ? 'BPE' : Array.isArray(model.vocab) ? 'Unigram' : 'WordPiece')
}

/** The steps of a normalizer or pre-tokenizer, in order; `list` is the key under which a Sequence keeps them. */
export function steps(component: Component | null, list: 'normalizers' | 'pretokenizers' | 'processors'): Component[] {
  if (component === null) return []
  return component.type === 'Sequence' ? (component[list] as Component[]).flatMap((step) => steps(step, list)) : [component]
}
