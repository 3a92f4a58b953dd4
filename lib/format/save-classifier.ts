import { SentorchError } from '../base/errors'
import type { Head } from '../heads/definition'
import type { CheckpointForm } from '../heads/kind'
import { familyOf } from './families'
import type { ModelFolder } from './folder'
import { layerSizes } from './heads'
import { encoderConfig } from './save-modules'
import { valueOf, type TensorToWrite } from './write-folder'

export interface ClassifierPlan {
  config: object
  /** Of model.safetensors, by name. */
  tensors: Map<string, TensorToWrite>
}

/** ERR_MODEL_UNSUPPORTED, with every reason, where a head has another shape than transformers' own classifier of the model's family. */
export function refuseOtherShape(folder: ModelFolder, form: CheckpointForm, head: Head): void {
  const reasons = form.differences(head, familyOf(folder.config.modelType)!.classifiers, folder)
  if (reasons.length === 0) return
  const className = classNameOf(folder, form)
  throw new SentorchError(
    'ERR_MODEL_UNSUPPORTED',
    `Head '${head.name}' cannot be saved as ${className}: ${reasons.join('; ')}. Save the model itself (without 'as'), or train a head of that shape.`,
    { detail: { head: head.name, className, reasons } },
  )
}

/**
 * One head, of the right shape, as transformers' own classifier: its config.json, and its tensors together with those of the encoder, which
 * are given by AutoModel's names.
 */
export function classifierPlan(
  folder: ModelFolder,
  form: CheckpointForm,
  head: Head,
  encoder: ReadonlyMap<string, TensorToWrite>,
): ClassifierPlan {
  const family = familyOf(folder.config.modelType)!
  const layers = form.layers(family.classifiers)
  const tensors = new Map([...encoder].map(([name, tensor]) => [family.prefix + name, tensor]))
  for (const [i, [inputs, outputs]] of layerSizes(head, folder).entries()) {
    tensors.set(`${layers[i]}.weight`, valueOf(`heads.${head.name}.${i}.weight`, [outputs, inputs]))
    tensors.set(`${layers[i]}.bias`, valueOf(`heads.${head.name}.${i}.bias`, [outputs]))
  }
  return { config: classifierConfig(folder, form, head), tensors }
}

/** config.json of transformers' own classifier. Dropout, which acts in training only, is kept where the family has a key of its own for it. */
function classifierConfig(folder: ModelFolder, form: CheckpointForm, head: Head): Record<string, unknown> {
  const { keys, rate } = form.dropout(head, familyOf(folder.config.modelType)!.classifiers)
  return {
    ...encoderConfig(folder, true),
    architectures: [classNameOf(folder, form)],
    id2label: Object.fromEntries(head.labels.map((label, i) => [i, label])),
    label2id: Object.fromEntries(head.labels.map((label, i) => [label, i])),
    ...form.settings(head),
    ...(keys.own !== undefined && { [keys.own]: rate }),
  }
}

function classNameOf({ config }: ModelFolder, { className }: CheckpointForm): string {
  return familyOf(config.modelType)!.classifiers.classes[config.modelType] + className
}
