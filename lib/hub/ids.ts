/** A repository is `name` or `owner/name`; the hub allows ASCII letters, digits, `-`, `_` and `.` there. */
const REPOSITORY = /^(?:[A-Za-z0-9_](?:[\w.-]{0,94}[A-Za-z0-9_])?\/)?[A-Za-z0-9_](?:[\w.-]{0,94}[A-Za-z0-9_])?$/

export function isRepositoryId(text: string): boolean {
  return REPOSITORY.test(text) && !text.includes('--') && !text.includes('..') && !text.endsWith('.git')
}

/** True for what can only mean a place on this machine. */
export function looksLikePath(text: string): boolean {
  return /^(?:\.{1,2}(?:\/|$)|\/|~|[A-Za-z]:)/.test(text) || text.includes('\\') || !isRepositoryId(text)
}

/** A name without an owner is sentence-transformers', as in Python, unless it is one of the hub's first models, which have no owner. */
export function repositoryId(text: string): string {
  return text.includes('/') || OWNERLESS.has(text.toLowerCase()) ? text : `sentence-transformers/${text}`
}

/** Family, then the endings of its names: `bert-base-cased` and so on. */
const OWNERLESS_BY_FAMILY: Record<string, string> = {
  'albert-base': 'v1 v2',
  'albert-large': 'v1 v2',
  'albert-xlarge': 'v1 v2',
  'albert-xxlarge': 'v1 v2',
  'bert-base':
    'cased cased-finetuned-mrpc chinese german-cased german-dbmdz-cased german-dbmdz-uncased multilingual-cased multilingual-uncased uncased',
  'bert-large':
    'cased cased-whole-word-masking cased-whole-word-masking-finetuned-squad uncased uncased-whole-word-masking uncased-whole-word-masking-finetuned-squad',
  camembert: 'base',
  distilbert:
    'base-cased base-cased-distilled-squad base-german-cased base-multilingual-cased base-uncased base-uncased-distilled-squad base-uncased-finetuned-sst-2-english',
  distilroberta: 'base',
  gpt2: 'large medium xl',
  openai: 'gpt',
  roberta: 'base base-openai-detector large large-mnli large-openai-detector',
  t5: '11b 3b base large small',
  'transfo-xl': 'wt103',
  'xlm-clm': 'ende-1024 enfr-1024',
  'xlm-mlm': '100-1280 17-1280 en-2048 ende-1024 enfr-1024 enro-1024 tlm-xnli15-1024 xnli15-1024',
  'xlm-roberta':
    'base large large-finetuned-conll02-dutch large-finetuned-conll02-spanish large-finetuned-conll03-english large-finetuned-conll03-german',
  xlnet: 'base-cased large-cased',
}

const OWNERLESS = new Set([
  'ctrl',
  'distilgpt2',
  'gpt2',
  ...Object.entries(OWNERLESS_BY_FAMILY).flatMap(([family, endings]) => endings.split(' ').map((ending) => `${family}-${ending}`)),
])
