import { booleanOf, invalid, oneOf, stringOf } from '../base/check'
import { keysOf, refusal, signalOf, takeOptions } from '../base/arguments'
import type { Head } from '../heads/definition'
import type { CheckpointForm, SaveAs } from '../heads/kind'
import { CHECKPOINT_FORMS, kindOf } from '../heads/kinds'

export interface SaveOptions {
  /** Replaces an existing model folder as a whole, in one step if the system supports that. Defaults to false. */
  overwrite?: boolean
  /**
   * Saves the encoder and one head as a `*ForSequenceClassification` or `*ForTokenClassification` checkpoint of transformers, instead of the
   * model with all its heads. Rejects with ERR_MODEL_UNSUPPORTED, and the reason, if the head does not have the shape of that class.
   */
  as?: SaveAs
  /** With `as`: the name of the head. Defaults to the only head of that type. */
  head?: string
  /** How the model was trained, for sentorch.json: any object that JSON can hold. Defaults to the entry in the folder that was loaded. */
  training?: Readonly<Record<string, unknown>>
  /** Stops saving and leaves no files behind. The promise rejects with code `ERR_ABORTED`. */
  signal?: AbortSignal
}

export interface ResolvedSave {
  folder: string
  overwrite: boolean
  /** The head to save as a transformers checkpoint; undefined: save the whole model. */
  as: { form: CheckpointForm; head: Head } | undefined
  training: Readonly<Record<string, unknown>> | undefined
  signal: AbortSignal | undefined
}

const SAVE_KEYS = keysOf<SaveOptions>({ overwrite: 1, as: 1, head: 1, training: 1, signal: 1 })

/** Checks the folder and the options of `save`. `heads`: the heads of the model. */
export function resolveSave(folder: string, options: SaveOptions = {}, heads: readonly Head[]): ResolvedSave {
  if (stringOf('folder', folder) === '' || folder.includes('\0')) throw invalid('folder', 'the path of a folder', folder)
  options = takeOptions('save', options, SAVE_KEYS)
  const { overwrite = false, as, head, training } = options
  if (as === undefined && head !== undefined) throw refusal(`'head' needs 'as': without it all heads are saved.`)
  if (as !== undefined && training !== undefined)
    throw refusal(`'training' cannot be combined with 'as': a transformers checkpoint has no place for it.`)
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
  if (name === undefined) throw refusal(`as: '${as}' needs one ${wanted} head, but this model has ${names}. Choose one with 'head'.`)
  throw refusal(`This model has no ${wanted} head named '${name}'. Its ${wanted} heads: ${names}.`)
}

/** A copy that contains what JSON can hold. */
function plainJson(training: unknown): Readonly<Record<string, unknown>> {
  if (typeof training !== 'object' || training === null || Array.isArray(training)) throw invalid('training', 'an object', training)
  try {
    return JSON.parse(JSON.stringify(training)) as Record<string, unknown>
  } catch (error) {
    throw refusal(`'training' must be an object that JSON can hold: ${(error as Error).message}`)
  }
}
