/** The tokenizer classes that a folder may name, and what transformers 5 makes of them. */
import { FAMILIES, type TokenizerFamily } from './families'

/** The class that transformers takes where neither `tokenizer_config.json` nor `config.json` names one. */
export const DEFAULT_CLASS: Readonly<Record<string, string>> = {
  bert: 'BertTokenizer',
  camembert: 'CamembertTokenizer',
  distilbert: 'BertTokenizer',
  mpnet: 'MPNetTokenizer',
  roberta: 'RobertaTokenizer',
  'xlm-roberta': 'XLMRobertaTokenizer',
}

/** Names that transformers keeps for a class of another name. */
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

/** Names under which transformers takes a tokenizer.json as it is. */
const GENERIC = ['PreTrainedTokenizer', 'PythonBackend', 'TokenizersBackend', 'BloomTokenizer']

/** Classes that do their work in Python, whatever a tokenizer.json says: many split words by a dictionary or a program of their own. */
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

/** Without its `Fast`. */
export function classNameOf(named: unknown): string {
  return String(named).replace(/Fast$/, '')
}

/** The class as data, or undefined where it is not rebuilt here. */
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
