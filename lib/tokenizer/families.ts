import type { Component, ModelDocument } from './document'
import type { Json } from './files'

/**
 * The tokenizer classes of transformers 5, as data. These classes read only the vocabulary and the added tokens of a `tokenizer.json` and
 * rebuild the rest from `tokenizer_config.json`. This library does the same, to produce the same ids.
 */

export type SpecialName = 'bos_token' | 'eos_token' | 'unk_token' | 'sep_token' | 'pad_token' | 'cls_token' | 'mask_token'

/** In the order in which transformers assigns ids to missing ones. */
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
  /** Whether a mask token given as a plain string includes the white space before it. */
  maskStripsLeft: boolean
  /** Default special tokens. */
  extraSpecials?: readonly string[]
  /** Fields of the model other than its vocabulary and merges. */
  modelSettings: (specials: Partial<Record<SpecialName, string>>, vocab: ModelDocument['vocab']) => Json
  /** `settings` is `tokenizer_config.json`; `stored` is the normalizer of `tokenizer.json`, or null. */
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

/** Keyed by the name of transformers' class, without the suffix `Fast`. */
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

/** The tokenizer classes that a folder may name, and how transformers 5 treats them. */

/** The class that transformers uses if neither `tokenizer_config.json` nor `config.json` names one. */
export const DEFAULT_CLASS: Readonly<Record<string, string>> = {
  bert: 'BertTokenizer',
  camembert: 'CamembertTokenizer',
  distilbert: 'BertTokenizer',
  mpnet: 'MPNetTokenizer',
  roberta: 'RobertaTokenizer',
  'xlm-roberta': 'XLMRobertaTokenizer',
}

/** Names that transformers treats as aliases of another class. */
const SAME_AS: Readonly<Record<string, string>> = {
  BartTokenizer: 'RobertaTokenizer',
  DistilBertTokenizer: 'BertTokenizer',
  ElectraTokenizer: 'BertTokenizer',
  LayoutLMTokenizer: 'BertTokenizer',
  LEDTokenizer: 'RobertaTokenizer',
  LongformerTokenizer: 'RobertaTokenizer',
  LxmertTokenizer: 'BertTokenizer',
  MobileBertTokenizer: 'BertTokenizer',
  MvpTokenizer: 'RobertaTokenizer',
  SqueezeBertTokenizer: 'BertTokenizer',
}

/** Class names for which transformers uses the tokenizer.json as it is. */
const GENERIC = ['PreTrainedTokenizer', 'PythonBackend', 'TokenizersBackend', 'BloomTokenizer']

/** Classes implemented in Python, whatever tokenizer.json contains: many split words with a dictionary or an external program. */
const IN_PYTHON = [
  'BartphoTokenizer',
  'BertGenerationTokenizer',
  'BertJapaneseTokenizer',
  'BertTokenizerLegacy',
  'BertweetTokenizer',
  'BioGptTokenizer',
  'BlenderbotSmallTokenizer',
  'ByT5Tokenizer',
  'CTRLTokenizer',
  'CanineTokenizer',
  'ClvpTokenizer',
  'CpmAntTokenizer',
  'CpmTokenizer',
  'DiaTokenizer',
  'EsmTokenizer',
  'FSMTTokenizer',
  'FastSpeech2ConformerTokenizer',
  'FlaubertTokenizer',
  'GPTNeoXJapaneseTokenizer',
  'GPTSw3Tokenizer',
  'M2M100Tokenizer',
  'MarianTokenizer',
  'MgpstrTokenizer',
  'MyT5Tokenizer',
  'PLBartTokenizer',
  'PerceiverTokenizer',
  'PhobertTokenizer',
  'Pop2PianoTokenizer',
  'ProphetNetTokenizer',
  'RagTokenizer',
  'RoCBertTokenizer',
  'SentencePieceBackend',
  'SiglipTokenizer',
  'Speech2TextTokenizer',
  'SpeechT5Tokenizer',
  'TapasTokenizer',
  'VitsTokenizer',
  'Wav2Vec2CTCTokenizer',
  'Wav2Vec2PhonemeCTCTokenizer',
  'XLMTokenizer',
]

/** The name without the suffix `Fast`. */
export function classNameOf(named: unknown): string {
  return String(named).replace(/Fast$/, '')
}

/** The class as data, or undefined if it is not rebuilt here. */
export function familyOfClass(className: string): TokenizerFamily | undefined {
  const name = Object.hasOwn(SAME_AS, className) ? SAME_AS[className]! : className
  return Object.hasOwn(FAMILIES, name) ? FAMILIES[name] : undefined
}

export function worksInPython(className: string): boolean {
  return IN_PYTHON.includes(className)
}

export function isGeneric(className: string): boolean {
  return GENERIC.includes(className)
}
