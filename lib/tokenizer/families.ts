/**
 * The tokenizer classes of transformers 5, as data. There, these classes read only the vocabulary and the added tokens of a `tokenizer.json`
 * and make the rest anew from `tokenizer_config.json`; to give the same ids, so does this library.
 */
import type { Component, ModelDocument } from './document'
import type { Json } from './files'

export type SpecialName = 'bos_token' | 'eos_token' | 'unk_token' | 'sep_token' | 'pad_token' | 'cls_token' | 'mask_token'

/** In transformers' order, in which missing ones get their ids. */
export const SPECIAL_NAMES: readonly SpecialName[] = [
  'bos_token',
  'eos_token',
  'unk_token',
  'sep_token',
  'pad_token',
  'cls_token',
  'mask_token',
]

export interface TokenizerFamily {
  model: 'WordPiece' | 'BPE' | 'Unigram'
  specials: Partial<Record<SpecialName, string>>
  /** Whether a mask token that is given as a bare string takes the white space before it along. */
  maskStripsLeft: boolean
  /** Special tokens where the settings name none. */
  extraSpecials?: readonly string[]
  /** Fields of the model besides its vocabulary and merges. */
  modelSettings: (specials: Partial<Record<SpecialName, string>>, vocab: ModelDocument['vocab']) => Json
  /** `settings` is `tokenizer_config.json`; `stored` the normalizer of `tokenizer.json`, null where there is none. */
  normalizer: (settings: Json, stored: Component | null) => Component | null
  preTokenizer: (settings: Json) => Component
  postProcessor: (settings: Json, idOf: (name: SpecialName) => [string, number]) => Component
}

const wordPiece: Pick<TokenizerFamily, 'model' | 'modelSettings' | 'normalizer' | 'preTokenizer'> = {
  model: 'WordPiece',
  modelSettings: (specials) => ({ unk_token: specials.unk_token, continuing_subword_prefix: '##', max_input_chars_per_word: 100 }),
  normalizer: (settings) => ({
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: settings.tokenize_chinese_chars ?? true,
    strip_accents: settings.strip_accents ?? null,
    lowercase: settings.do_lower_case ?? true,
  }),
  preTokenizer: () => ({ type: 'BertPreTokenizer' }),
}

const angleSpecials = { bos_token: '<s>', eos_token: '</s>', sep_token: '</s>', cls_token: '<s>', pad_token: '<pad>', mask_token: '<mask>' }

const bert: TokenizerFamily = {
  ...wordPiece,
  specials: { unk_token: '[UNK]', sep_token: '[SEP]', pad_token: '[PAD]', cls_token: '[CLS]', mask_token: '[MASK]' },
  maskStripsLeft: false,
  postProcessor: (_settings, idOf) => template(idOf('cls_token'), idOf('sep_token')),
}

const mpnet: TokenizerFamily = {
  ...wordPiece,
  specials: { ...angleSpecials, unk_token: '[UNK]' },
  maskStripsLeft: true,
  postProcessor: (_settings, idOf) => angleProcessing(idOf, true, false),
}

const roberta: TokenizerFamily = {
  model: 'BPE',
  specials: { ...angleSpecials, unk_token: '<unk>' },
  maskStripsLeft: false,
  modelSettings: () => ({
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: '',
    end_of_word_suffix: '',
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
  }),
  normalizer: () => null,
  preTokenizer: (settings) => ({
    type: 'ByteLevel',
    add_prefix_space: settings.add_prefix_space ?? false,
    trim_offsets: true,
    use_regex: true,
  }),
  postProcessor: (settings, idOf) =>
    angleProcessing(
      idOf,
      (settings.trim_offsets as boolean | undefined) ?? true,
      (settings.add_prefix_space as boolean | undefined) ?? false,
    ),
}

const xlmRoberta: TokenizerFamily = {
  model: 'Unigram',
  specials: { ...angleSpecials, unk_token: '<unk>' },
  maskStripsLeft: false,
  modelSettings: () => ({ unk_id: 3, byte_fallback: false }),
  normalizer: (_settings, stored) => stored && findPrecompiled(stored),
  preTokenizer: (settings) => ({
    type: 'Sequence',
    pretokenizers: [
      { type: 'WhitespaceSplit' },
      {
        type: 'Metaspace',
        replacement: '▁',
        prepend_scheme: (settings.add_prefix_space ?? true) ? 'always' : 'never',
        split: true,
      },
    ],
  }),
  postProcessor: (_settings, idOf) => template(idOf('bos_token'), idOf('eos_token')),
}

const camembert: TokenizerFamily = {
  ...xlmRoberta,
  maskStripsLeft: true,
  extraSpecials: ['<s>NOTUSED', '</s>NOTUSED', '<unk>NOTUSED'],
  modelSettings: ({ unk_token }, vocab) => ({
    unk_id: Math.max(
      0,
      (vocab as [string, number][]).findIndex(([piece]) => piece === unk_token),
    ),
    byte_fallback: false,
  }),
}

const herbert: TokenizerFamily = {
  ...roberta,
  specials: { cls_token: '<s>', sep_token: '</s>', unk_token: '<unk>', pad_token: '<pad>', mask_token: '<mask>' },
  modelSettings: ({ unk_token }) => ({
    dropout: null,
    unk_token,
    continuing_subword_prefix: null,
    end_of_word_suffix: '</w>',
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
  }),
  normalizer: () => ({ type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: false, lowercase: false }),
  preTokenizer: () => ({ type: 'BertPreTokenizer' }),
  // The ids are fixed in transformers' code too.
  postProcessor: (_settings, idOf) => ({ type: 'BertProcessing', sep: [idOf('sep_token')[0], 2], cls: [idOf('cls_token')[0], 0] }),
}

/** By the name of transformers' class, without its `Fast`. */
export const FAMILIES: Readonly<Record<string, TokenizerFamily>> = {
  BertTokenizer: bert,
  CamembertTokenizer: camembert,
  HerbertTokenizer: herbert,
  MPNetTokenizer: mpnet,
  RobertaTokenizer: roberta,
  XLMRobertaTokenizer: xlmRoberta,
}

function template([first, firstId]: [string, number], [last, lastId]: [string, number]): Component {
  const special = (id: string): Json => ({ SpecialToken: { id, type_id: 0 } })
  const single = [special(first), { Sequence: { id: 'A', type_id: 0 } }, special(last)]
  return {
    type: 'TemplateProcessing',
    single,
    pair: [...single, { Sequence: { id: 'B', type_id: 0 } }, special(last)],
    special_tokens: {
      [first]: { id: first, ids: [firstId], tokens: [first] },
      [last]: { id: last, ids: [lastId], tokens: [last] },
    },
  }
}

function angleProcessing(idOf: (name: SpecialName) => [string, number], trimOffsets: boolean, addPrefixSpace: boolean): Component {
  return {
    type: 'RobertaProcessing',
    sep: idOf('sep_token'),
    cls: idOf('cls_token'),
    trim_offsets: trimOffsets,
    add_prefix_space: addPrefixSpace,
  }
}

function findPrecompiled(normalizer: Component): Component | null {
  const list = normalizer.type === 'Sequence' ? (normalizer.normalizers as Component[]) : [normalizer]
  return list.find((step) => step.type === 'Precompiled') ?? null
}
