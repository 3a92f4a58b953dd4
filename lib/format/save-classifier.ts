import { SentorchError } from '../base/errors'
import type { Head } from '../heads/definition'
import type { SaveAs } from '../model/save-options'
import { familyOf, TOKEN_CLASSIFIER, type Family } from './families'
import type { ModelFolder } from './folder'
import { layerSizes } from './heads'
import { classifierConfig } from './save-config'
import { valueOf, type TensorToWrite } from './write-folder'

export interface ClassifierPlan {
  config: object
  /** Of model.safetensors, by name. */
  tensors: Map<string, TensorToWrite>
}

/** ERR_MODEL_UNSUPPORTED, with every reason, where a head has another shape than transformers' own classifier of the model's family. */
export function refuseOtherShape(folder: ModelFolder, as: SaveAs, head: Head): void {
  const family = familyOf(folder.config.modelType)!
  const reasons = as === 'token-classification' ? tokenReasons(head) : sequenceReasons(folder, family, head)
  if (reasons.length === 0) return
  const className = classNameOf(folder, as)
  throw new SentorchError(
    'ERR_MODEL_UNSUPPORTED',
    `Head '${head.name}' cannot be saved as ${className}: ${reasons.join('; ')}. Save the model itself (without 'as'), or train a head of that shape.`,
    { detail: { head: head.name, className, reasons } },
  )
}

/**
 * One head, of the right shape, as transformers' own classifier: its config.json and its tensors around those of the encoder, which come by
 * AutoModel's names.
 */
export function classifierPlan(folder: ModelFolder, as: SaveAs, head: Head, encoder: ReadonlyMap<string, TensorToWrite>): ClassifierPlan {
  const family = familyOf(folder.config.modelType)!
  const { hidden, output } = family.classifiers.sequence
  const layers = as === 'token-classification' ? [TOKEN_CLASSIFIER] : [hidden, output]
  const tensors = new Map([...encoder].map(([name, tensor]) => [family.prefix + name, tensor]))
  for (const [i, [inputs, outputs]] of layerSizes(head, folder).entries()) {
    tensors.set(`${layers[i]}.weight`, valueOf(`heads.${head.name}.${i}.weight`, [outputs, inputs]))
    tensors.set(`${layers[i]}.bias`, valueOf(`heads.${head.name}.${i}.bias`, [outputs]))
  }
  return { config: classifierConfig(folder, family, classNameOf(folder, as), head), tensors }
}

function classNameOf({ config }: ModelFolder, as: SaveAs): string {
  const end = as === 'token-classification' ? 'ForTokenClassification' : 'ForSequenceClassification'
  return familyOf(config.modelType)!.classifiers.classes[config.modelType] + end
}

function tokenReasons({ hidden }: Head): string[] {
  return hidden.length === 0 ? [] : [`that class is linear, the head has hidden layers [${hidden.join(', ')}]`]
}

function sequenceReasons({ config, modules }: ModelFolder, family: Family, head: Head): string[] {
  const { activation } = family.classifiers.sequence
  const pooling = head.pooling ?? modules.pooling
  const reasons: string[] = []
  if (pooling.join() !== 'cls') reasons.push(`that class sees the first token (pooling 'cls'), the head ${pooling.join(' + ')}`)
  if (head.pooling === undefined && modules.dense.length > 0)
    reasons.push(`the head stands behind the model's Dense modules, which that class has not`)
  if (head.hidden.join() !== String(config.hiddenSize)) {
    reasons.push(
      `that class has one hidden layer of ${config.hiddenSize}, the head ${head.hidden.length === 0 ? 'none' : `[${head.hidden.join(', ')}]`}`,
    )
  } else if (head.activation !== activation) {
    reasons.push(`the activation of that class is ${activation}, the head's ${head.activation}`)
  }
  return reasons
}
