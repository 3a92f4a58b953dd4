import { isSentorchError } from '../base/errors'
import type { Head, HeadContext } from '../heads/definition'
import type { StoredHead } from '../heads/heads'
import type { CheckpointForm } from '../heads/kind'
import { CHECKPOINT_FORMS } from '../heads/kinds'
import { resolveHead } from '../heads/options'
import type { EncoderConfig } from './config'
import { encoderPrefix } from './weights'
import type { Weights } from './safetensors'
import { familyOf, type DropoutKeys, type Family } from './families'
import { Fields } from '../files/fields'
import { layerSizes } from './heads'
import type { TensorMatcher } from './tensor-matcher'

/** The head of a transformers checkpoint, or a note that says why it is not loaded; undefined if the checkpoint has none. */
export type FoundClassifier = { classifier: StoredHead } | { note: string } | undefined

/** Prefix of at least one tensor of every classifier, in every family. */
const CLASSIFIER = 'classifier.'

/**
 * Looks for a classifier of transformers, by the architecture in config.json. Its tensors are taken out of `matcher`, so that missing and
 * mis-shaped ones are reported together with those of the encoder. A file without any of them holds an encoder, whatever config.json says. If
 * the labels or settings are wrong, the head is not loaded and a note says why: the encoder can be used without it.
 */
export function findClassifier(
  json: unknown,
  where: string,
  config: EncoderConfig,
  weights: Weights,
  matcher: TensorMatcher,
  context: HeadContext,
): FoundClassifier {
  const fields = new Fields(json, where)
  const form = formOf(fields)
  const family = familyOf(config.modelType)!
  if (form === undefined || ![...weights.tensors.keys()].some((name) => name.startsWith(CLASSIFIER))) return undefined
  let head: Head
  try {
    const labels = labelsOf(fields)
    if ('note' in labels) return labels
    const output = form.layers(family.classifiers).at(-1)!
    const rows = weights.tensors.get(`${output}.weight`)?.shape[0]
    if (rows !== undefined && rows !== labels.labels.length) {
      return { note: notLoaded(where, `it has ${labels.labels.length} labels, but ${output}.weight has ${rows} rows.`) }
    }
    head = headOf(form, fields, family, config, labels)
  } catch (error) {
    if (!isSentorchError(error) || (error.code !== 'ERR_INVALID_ARGUMENT' && error.code !== 'ERR_MODEL_FORMAT')) throw error
    return { note: notLoaded(where, error.message) }
  }
  const names = form.layers(family.classifiers).map((name) => nameIn(weights, family, name))
  const layers = layerSizes(head, context).map(([inputs, outputs], i) => matcher.linearAt(names[i]!, inputs, outputs))
  return { classifier: { head, layers } }
}

function notLoaded(where: string, why: string): string {
  return `The classifier of ${where} is not loaded as a head: ${why}`
}

function formOf(config: Fields): CheckpointForm | undefined {
  const architectures = config.raw('architectures')
  const name: unknown = Array.isArray(architectures) ? architectures[0] : undefined
  return typeof name === 'string' ? CHECKPOINT_FORMS.find(({ className }) => name.endsWith(className)) : undefined
}

function headOf(form: CheckpointForm, fields: Fields, family: Family, config: EncoderConfig, { labels, multiLabel }: Labels): Head {
  const shape = form.definition(family.classifiers, config.hiddenSize, multiLabel, (keys) => rate(fields, keys))
  return resolveHead({ name: form.headName, type: form.type, labels, ...shape }).head
}

/** If the tensors of the encoder are stored without the family's prefix, so is the pooler. */
function nameIn(weights: Weights, family: Family, name: string): string {
  return encoderPrefix(family, weights) === '' && name.startsWith(family.prefix) ? name.slice(family.prefix.length) : name
}

interface Labels {
  labels: string[]
  multiLabel: boolean
}

/** As in transformers: `id2label`, or else `num_labels` generated names, by default two. */
function labelsOf(config: Fields): Labels | { note: string } {
  const problem = config.given('problem_type') ? config.string('problem_type') : undefined
  const names = config.given('id2label') ? namesOf(config.object('id2label')) : undefined
  const count = names?.length ?? config.integer('num_labels', 1, 65_536, 2)
  if (problem === 'regression' || (count === 1 && problem === undefined)) {
    return { note: `The classifier of ${config.where} is not loaded as a head: it is a regression (one number, no labels).` }
  }
  const labels = names ?? Array.from({ length: count }, (_, i) => `LABEL_${i}`)
  return { labels, multiLabel: problem === 'multi_label_classification' && count > 1 }
}

function namesOf(map: Fields): string[] {
  const count = map.keys().length
  const wrong = map.keys().find((key) => !/^(0|[1-9]\d*)$/.test(key) || Number(key) >= count)
  if (wrong !== undefined) throw map.bad(wrong, `only the keys 0..${count - 1}, one for each label,`)
  return Array.from({ length: count }, (_, i) => {
    const label = map.raw(String(i))
    // transformers writes whole numbers unchanged.
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
