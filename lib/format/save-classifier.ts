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
  /** The tensors of model.safetensors, by name. */
  tensors: Map<string, TensorToWrite>
}

/** Throws ERR_MODEL_UNSUPPORTED, with every reason, if the head does not have the shape of transformers' classifier for the model's family. */
export function refuseOtherShape(folder: ModelFolder, form: CheckpointForm, head: Head): void {
  const reasons = form.differences(head, familyOf(folder.config.modelType)!.classifiers, folder)
  if (reasons.length === 0) return
  const className = classNameOf(folder, form)
  throw new SentorchError(
    'ERR_MODEL_UNSUPPORTED',
    `Head '${head.name}' cannot be saved as ${className}: ${reasons.join('; ')}. Save the model itself (without 'as'), or train a head with that shape.`,
    { detail: { head: head.name, className, reasons } },
  )
}

/**
 * The files of a transformers checkpoint with one head: config.json, and the tensors of the encoder and the head. `encoder`: its tensors by
 * the names that AutoModel uses.
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

/** The config.json of such a checkpoint. The dropout rate is included if the family has a separate key for it. */
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
