import type { HeadSource, LinearSource } from '../../binding'
import type { Head } from '../heads/definition'
import { isSentorchError } from '../base/errors'
import { resolveHead, type HeadContext } from '../heads/options'
import type { EncoderConfig } from './config'
import { encoderPrefix, type Weights } from './weights'
import { familyOf, TOKEN_CLASSIFIER, type DropoutKeys, type Family } from './families'
import { Fields } from '../files/fields'
import type { Ledger } from './ledger'

/** Names that the heads of transformers' own checkpoints have here. */
export const SEQUENCE_HEAD = 'classification'
export const TOKEN_HEAD = 'tokens'

export interface Classifier {
  head: Head
  layers: NonNullable<HeadSource['layers']>
}

/** A head of a `*ForSequenceClassification` or `*ForTokenClassification` checkpoint, or why its head is left aside; undefined: there is none. */
export type FoundClassifier = { classifier: Classifier } | { note: string } | undefined

/**
 * Looks for transformers' own classifier by the architecture that config.json names. Its tensors are taken out of `ledger`, so that missing
 * and mis-shaped ones are told with the encoder's. A file without any of them is an encoder's, whatever its config says. What is wrong with its
 * labels or settings leaves the head aside with a note: the encoder is sound without it.
 */
export function findClassifier(
  json: unknown,
  where: string,
  config: EncoderConfig,
  weights: Weights,
  ledger: Ledger,
  context: HeadContext,
): FoundClassifier {
  const fields = new Fields(json, where)
  const task = taskOf(fields)
  const family = familyOf(config.modelType)!
  if (task === undefined || ![...weights.tensors.keys()].some((name) => name.startsWith(`${TOKEN_CLASSIFIER}.`))) return undefined
  let head: Head
  try {
    const labels = labelsOf(fields)
    if ('note' in labels) return labels
    const output = task === 'token' ? TOKEN_CLASSIFIER : family.classifiers.sequence.output
    const rows = weights.tensors.get(`${output}.weight`)?.shape[0]
    if (rows !== undefined && rows !== labels.labels.length) {
      return { note: leftAside(where, `it has ${labels.labels.length} labels, but ${output}.weight has ${rows} rows.`) }
    }
    head = headOf(task, fields, family, config, labels, context)
  } catch (error) {
    if (!isSentorchError(error) || (error.code !== 'ERR_INVALID_ARGUMENT' && error.code !== 'ERR_MODEL_FORMAT')) throw error
    return { note: leftAside(where, error.message) }
  }
  return { classifier: { head, layers: take(task, family, weights, ledger, config.hiddenSize, head.labels.length) } }
}

function leftAside(where: string, why: string): string {
  return `The classifier of ${where} is not loaded as a head: ${why}`
}

function headOf(
  task: 'sequence' | 'token',
  fields: Fields,
  family: Family,
  config: EncoderConfig,
  { labels, multiLabel }: Labels,
  context: HeadContext,
): Head {
  const { dropout } = family.classifiers
  const { head } =
    task === 'token'
      ? resolveHead(
          { name: TOKEN_HEAD, type: 'token-classification', labels, inputDropout: rate(fields, dropout.tokens), dropout: 0 },
          context,
        )
      : resolveHead(
          {
            name: SEQUENCE_HEAD,
            type: 'classification',
            labels,
            hidden: [config.hiddenSize],
            activation: family.classifiers.sequence.activation,
            pooling: 'cls',
            multiLabel,
            inputDropout: dropout.sequenceInput === null ? 0 : rate(fields, dropout.sequenceInput),
            dropout: rate(fields, dropout.sequenceHidden),
          },
          context,
        )
  return head
}

function taskOf(config: Fields): 'sequence' | 'token' | undefined {
  const architectures = config.raw('architectures')
  const name: unknown = Array.isArray(architectures) ? architectures[0] : undefined
  const found = typeof name === 'string' ? /For(Sequence|Token)Classification$/.exec(name)?.[1] : undefined
  return found === undefined ? undefined : found === 'Token' ? 'token' : 'sequence'
}

function take(
  task: 'sequence' | 'token',
  family: Family,
  weights: Weights,
  ledger: Ledger,
  hidden: number,
  labels: number,
): LinearSource[] {
  if (task === 'token') return [ledger.linearAt(TOKEN_CLASSIFIER, hidden, labels)]
  const { hidden: first, output } = family.classifiers.sequence
  // Where the encoder's tensors stand without the family's prefix, so does the pooler.
  const at = encoderPrefix(family, weights) === '' && first.startsWith(family.prefix) ? first.slice(family.prefix.length) : first
  return [ledger.linearAt(at, hidden, hidden), ledger.linearAt(output, hidden, labels)]
}

interface Labels {
  labels: string[]
  multiLabel: boolean
}

/** As transformers reads them: `id2label`, else as many as `num_labels` says, else two. */
function labelsOf(config: Fields): Labels | { note: string } {
  const problem = config.given('problem_type') ? config.string('problem_type') : undefined
  const names = config.given('id2label') ? namesOf(config.object('id2label')) : undefined
  const count = names?.length ?? config.integer('num_labels', 1, 65_536, 2)
  if (problem === 'regression' || (count === 1 && problem === undefined)) {
    return { note: `The classifier of ${config.where} is a regression (one number, no labels): it is not loaded as a head.` }
  }
  const labels = names ?? Array.from({ length: count }, (_, i) => `LABEL_${i}`)
  return { labels, multiLabel: problem === 'multi_label_classification' && count > 1 }
}

function namesOf(map: Fields): string[] {
  const count = map.keys().length
  const wrong = map.keys().find((key) => !/^(0|[1-9]\d*)$/.test(key) || Number(key) >= count)
  if (wrong !== undefined) throw map.bad(wrong, `keys 0..${count - 1}, one for each label, and nothing`)
  return Array.from({ length: count }, (_, i) => {
    const label = map.raw(String(i))
    // transformers writes whole numbers as it was given them.
    return typeof label === 'number' && Number.isSafeInteger(label) ? String(label) : map.string(String(i))
  })
}

function rate(config: Fields, { keys, fallback }: DropoutKeys): number {
  const key = keys.find((each) => config.given(each))
  if (key === undefined) return fallback
  const value = config.raw(key)
  if (typeof value !== 'number' || !(value >= 0 && value < 1)) throw config.bad(key, 'a number of at least 0 and below 1')
  return value
}
