import type { Head } from '../heads/definition'
import { kindOf } from '../heads/kinds'
import { familyOf, type Family } from './families'
import type { ModelFolder } from './folder'

/** Of a classifier that config.json may describe, and of Python code that is not copied. */
const NOT_OF_ENCODER = ['id2label', 'label2id', 'problem_type', 'num_labels', 'auto_map']

/** config.json of the encoder alone, as AutoModel saves it. `float32`: its parameters are written as such, whatever they were stored as. */
export function encoderConfig({ configJson, config }: ModelFolder, float32: boolean): Record<string, unknown> {
  const kept = Object.entries(configJson).filter(([key]) => !NOT_OF_ENCODER.includes(key))
  const className = `${familyOf(config.modelType)!.classifiers.classes[config.modelType]}Model`
  return { ...Object.fromEntries(kept), architectures: [className], ...(float32 && dtypeOf(configJson)) }
}

/** config.json of transformers' own classifier. Dropout, which acts in training only, is kept where the family has a key of its own for it. */
export function classifierConfig(folder: ModelFolder, family: Family, className: string, head: Head): Record<string, unknown> {
  const { checkpoint } = kindOf(head)
  const { keys, rate } = checkpoint.dropout(head, family.classifiers)
  return {
    ...encoderConfig(folder, true),
    architectures: [className],
    id2label: Object.fromEntries(head.labels.map((label, i) => [i, label])),
    label2id: Object.fromEntries(head.labels.map((label, i) => [label, i])),
    ...checkpoint.settings(head),
    ...(keys.own !== undefined && { [keys.own]: rate }),
  }
}

/** transformers casts what it reads to the type that config.json names: the older key, the newer one, or both. */
function dtypeOf(json: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(['dtype', 'torch_dtype'].filter((key) => Object.hasOwn(json, key)).map((key) => [key, 'float32']))
}
