import { booleanOf, invalid, oneOf, stringOf } from '../base/check'
import { keysOf, refusal, signalOf, takeOptions } from '../base/arguments'
import type { Head } from '../heads/definition'
import type { CheckpointForm, SaveAs } from '../heads/kind'
import { CHECKPOINT_FORMS, kindOf } from '../heads/kinds'

export interface SaveOptions {
  /** An existing folder of a model is replaced, whole: in one step where the system has one. Defaults to false. */
  overwrite?: boolean
  /**
   * Instead of the model with all its heads: one head as transformers' own `*ForSequenceClassification` or `*ForTokenClassification`
   * checkpoint. ERR_MODEL_UNSUPPORTED, with the reason, where the head has another shape than that class of the model's family.
   */
  as?: SaveAs
  /** With `as`: which head. Defaults to the one that is of that type, where there is only one. */
  head?: string
  /** How the model was trained, for sentorch.json: anything that JSON can hold. Defaults to what the folder that was loaded says. */
  training?: Readonly<Record<string, unknown>>
  /** Gives up; nothing is left behind. The promise rejects with code `ERR_ABORTED`. */
  signal?: AbortSignal
}

export interface ResolvedSave {
  folder: string
  overwrite: boolean
  /** The head that is saved as transformers' own classifier; undefined: the model as it is. */
  as: { form: CheckpointForm; head: Head } | undefined
  training: Readonly<Record<string, unknown>> | undefined
  signal: AbortSignal | undefined
}

const SAVE_KEYS = keysOf<SaveOptions>({ overwrite: 1, as: 1, head: 1, training: 1, signal: 1 })

/** Checks the folder and the options of `save`. `heads`: those of the model. */
export function resolveSave(folder: string, options: SaveOptions = {}, heads: readonly Head[]): ResolvedSave {
  if (stringOf('folder', folder) === '' || folder.includes('\0')) throw invalid('folder', 'the path of a folder', folder)
  options = takeOptions('save', options, SAVE_KEYS)
  const { overwrite = false, as, head, training } = options
  if (as === undefined && head !== undefined) throw refusal(`'head' goes with 'as': a model is saved with all its heads.`)
  if (as !== undefined && training !== undefined) throw refusal(`'training' does not go with 'as': such a checkpoint has no place for it.`)
  const form = as === undefined ? undefined : formOf(as)
  return {
    folder,
    overwrite: booleanOf('overwrite', overwrite),
    as: form && { form, head: chosenHead(form, head, heads) },
    training: training === undefined ? undefined : plainJson(training),
    signal: signalOf(options.signal),
  }
}

function formOf(as: unknown): CheckpointForm {
  const name = oneOf(
    'as',
    as,
    CHECKPOINT_FORMS.map((form) => form.as),
  )
  return CHECKPOINT_FORMS.find((form) => form.as === name)!
}

function chosenHead(form: CheckpointForm, name: string | undefined, heads: readonly Head[]): Head {
  const { as, type: wanted } = form
  const fitting = heads.filter((head) => kindOf(head).checkpoint === form)
  const names = fitting.map((head) => head.name).join(', ') || 'none'
  const found = name === undefined ? fitting : fitting.filter((head) => head.name === stringOf('head', name))
  if (found.length === 1) return found[0]!
  if (name === undefined) throw refusal(`as '${as}' needs one ${wanted} head; this model has ${names}. Say which with 'head'.`)
  throw refusal(`This model has no ${wanted} head named '${name}'. Its ${wanted} heads: ${names}.`)
}

/** A copy that is what JSON makes of it. */
function plainJson(training: unknown): Readonly<Record<string, unknown>> {
  if (typeof training !== 'object' || training === null || Array.isArray(training)) throw invalid('training', 'an object', training)
  try {
    return JSON.parse(JSON.stringify(training)) as Record<string, unknown>
  } catch (error) {
    throw refusal(`Expected an object that JSON can hold for training: ${(error as Error).message}`)
  }
}
