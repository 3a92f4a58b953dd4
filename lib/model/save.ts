import { realpath } from 'node:fs/promises'
import { isAbsolute, join, relative, sep } from 'node:path'
import type { WriteRequest } from '../../binding'
import { keysOf, refusal, signalOf, takeOptions } from '../base/arguments'
import { booleanOf, invalid, oneOf, stringOf } from '../base/check'
import { SentorchError, throwIfAborted } from '../base/errors'
import { libraryVersion } from '../base/platform'
import { joinPath, openRegular, resolveFile } from '../files/read'
import { recoverFolder } from '../files/staging'
import { changed, changedFile } from '../format/file-identity'
import { assumesPooling, openFolder, type ModelFolder } from '../format/folder'
import { HEADS_FILE, layerSizes, SENTORCH_JSON, sentorchJson } from '../format/heads'
import { writeManifest } from '../format/manifest'
import { classifierPlan, refuseOtherShape } from '../format/save-classifier'
import { encoderConfig, moduleFiles, type ModuleFiles } from '../format/save-modules'
import type { LocatedTensor } from '../format/safetensors'
import { safetensorsFile, StagedFolder, storedBytes, valueOf, type TensorToWrite } from '../format/write-folder'
import type { Head } from '../heads/definition'
import type { CheckpointForm, SaveAs } from '../heads/kind'
import { CHECKPOINT_FORMS, kindOf } from '../heads/kinds'
import { fromNative } from '../native/call'
import type { LoadedModel } from './loaded-model'

/** The files of a tokenizer, as transformers names them. */
const TOKENIZER_FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.txt',
  'vocab.json',
  'merges.txt',
  'sentencepiece.bpe.model',
  'spiece.model',
]

const IMPLIED = 'The model had no modules.json: mean pooling was assumed.'
const LEFT_OUT =
  'Tensors that sentorch does not use (poolers, other heads) were left out: the file that holds them changed after it was loaded.'

/** The content of JSON files and of weight files, by path. */
interface Plan {
  json: Map<string, unknown>
  weights: Map<string, Map<string, TensorToWrite>>
}

/**
 * Writes the model to a folder, whole or not at all. Parameters of a trained model are written as float32. Those of a model that was never
 * trained, and tensors that sentorch does not use, keep their stored bytes. `more` writes further files.
 */
export async function saveModel(
  model: LoadedModel,
  folder: string,
  options?: SaveOptions,
  more?: (staged: StagedFolder) => Promise<void>,
): Promise<void> {
  const request = resolveSave(folder, options, model.heads.list)
  throwIfAborted(request.signal)
  if (request.as) refuseOtherShape(model.folder, request.as.form, request.as.head)
  return model.saves.run(() => save(model, request, more))
}

async function save(model: LoadedModel, request: ResolvedSave, more?: (staged: StagedFolder) => Promise<void>): Promise<void> {
  const { folder, overwrite, signal } = request
  throwIfAborted(signal)
  await recoverFolder(folder)
  const inPlace = await replacesSource(model.folder, request)
  await model.heads.ready
  const staged = await StagedFolder.create(folder, { overwrite })
  try {
    await fill(staged, model, request)
    await more?.(staged)
    await writeManifest(staged, signal)
    // The files that the weights came from are about to be replaced: the next save reads the new ones.
    const next = inPlace ? moved(await openFolder(staged.path), staged.target, folder) : undefined
    throwIfAborted(signal)
    try {
      await staged.commit()
    } finally {
      if (next && staged.isPlaced) model.folder = next
    }
  } catch (error) {
    await staged.discard()
    throwIfAborted(signal)
    throw error
  }
}

/** A folder that was opened at another place before it was moved to `to`. */
function moved(opened: ModelFolder, to: string, shown: string): ModelFolder {
  const files = opened.files.map((file) => join(to, relative(opened.folder, file)))
  return { ...opened, folder: to, root: { shown, real: to }, files }
}

async function fill(staged: StagedFolder, model: LoadedModel, { as, training, signal }: ResolvedSave): Promise<void> {
  const { folder } = model
  const lost = await changedFile(folder)
  const version = libraryVersion()
  const modules = as ? undefined : await moduleFiles(folder, version)
  for (const name of modules?.folders ?? []) await staged.folder(name)
  // No `await` from here to the requests: all files get the heads, flags and weights of the same moment.
  if (lost !== undefined && !model.trained) throw changed(lost)
  const plan = modules ? modelPlan(model, modules, { training, version, lost }) : checkpointPlan(model, as!)
  const requests = [...plan.weights].map(([name, tensors]) => safetensorsFile(`${staged.path}/${name}`, tensors))
  const writing = writeAll(model, requests)
  // It may fail while the other files are still being written; the error is thrown at the end.
  writing.catch(() => {})
  try {
    for (const [name, content] of plan.json) await staged.json(name, content)
    await copyTokenizer(folder, staged, signal)
  } finally {
    // Do not remove anything while the native thread is still writing.
    await writing.catch(() => {})
  }
  await writing
}

/** All requests are queued at once, so that no training step comes between them. */
async function writeAll({ native }: LoadedModel, requests: readonly WriteRequest[]): Promise<void> {
  const results = await Promise.allSettled(requests.map(async (request) => fromNative(native.write(request))))
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

interface Circumstances {
  training: ResolvedSave['training']
  version: string
  /** A file of the source that is not what it was. */
  lost: string | undefined
}

function modelPlan(model: LoadedModel, modules: ModuleFiles, { training, version, lost }: Circumstances): Plan {
  const { folder, trained } = model
  const heads = model.heads.list
  // The loss of unused tensors must not prevent the save of a trained model.
  const carried = lost === undefined ? unusedTensors(folder) : new Map<string, TensorToWrite>()
  const notes = [...folder.notes]
  if (assumesPooling(folder)) notes.push(IMPLIED)
  if (carried.size < folder.unusedTensors.size) notes.push(LEFT_OUT)
  const json = new Map(modules.files)
  json.set('config.json', encoderConfig(folder, trained))
  json.set(SENTORCH_JSON, sentorchJson({ heads: [...heads], training: training ?? folder.training, notes }, version))
  const weights = new Map([['model.safetensors', new Map([...carried, ...encoderTensors(model)])]])
  modules.dense.forEach((path, i) => weights.set(`${path}/model.safetensors`, denseTensors(model, i)))
  if (heads.length > 0) weights.set(HEADS_FILE, headTensors(model))
  return { json, weights }
}

function checkpointPlan(model: LoadedModel, { form, head }: NonNullable<ResolvedSave['as']>): Plan {
  // The head as it is now: it may have been extended since the call.
  const { config, tensors } = classifierPlan(model.folder, form, model.heads.require(head.name), encoderTensors(model))
  return { json: new Map([['config.json', config]]), weights: new Map([['model.safetensors', tensors]]) }
}

function encoderTensors(model: LoadedModel): Map<string, TensorToWrite> {
  return new Map([...model.folder.parameters].map(([name, stored]) => [name, parameter(model, name, stored)]))
}

function denseTensors(model: LoadedModel, index: number): Map<string, TensorToWrite> {
  const stored = model.folder.denseParameters[index]!
  return new Map([...stored].map(([name, tensor]) => [name, parameter(model, name.replace('linear', `dense.${index}`), tensor)]))
}

function parameter({ folder, trained }: LoadedModel, name: string, stored: LocatedTensor): TensorToWrite {
  return trained ? valueOf(name, stored.shape) : storedBytes(stored, folder.files)
}

function unusedTensors({ unusedTensors, files }: ModelFolder): Map<string, TensorToWrite> {
  return new Map([...unusedTensors].map(([name, stored]) => [name, storedBytes(stored, files)]))
}

function headTensors({ heads, folder }: LoadedModel): Map<string, TensorToWrite> {
  const tensors = new Map<string, TensorToWrite>()
  for (const head of heads.list) {
    for (const [layer, [inputs, outputs]] of layerSizes(head, folder).entries()) {
      const name = `${head.name}.${layer}`
      tensors.set(`${name}.weight`, valueOf(`heads.${name}.weight`, [outputs, inputs]))
      tensors.set(`${name}.bias`, valueOf(`heads.${name}.bias`, [outputs]))
    }
  }
  return tensors
}

async function copyTokenizer({ root, modules }: ModelFolder, staged: StagedFolder, signal?: AbortSignal): Promise<void> {
  let copied = 0
  for (const name of TOKENIZER_FILES) {
    throwIfAborted(signal)
    const path = joinPath(modules.transformerPath, name)
    const file = await resolveFile(root, path)
    if (file === undefined) continue
    const { handle } = await openRegular(file, path)
    try {
      await staged.write(name, await handle.readFile())
    } finally {
      await handle.close()
    }
    copied++
  }
  if (copied > 0) return
  throw new SentorchError('ERR_MODEL_FORMAT', `The tokenizer's files are not in ${root.shown} any more: put them back, and save again.`)
}

/** Whether the save replaces the folder that the model was loaded from. Refuses a save that would lose that folder. */
async function replacesSource({ folder: source }: ModelFolder, { folder, overwrite, as }: ResolvedSave): Promise<boolean> {
  const target = await realpath(folder).catch(() => undefined)
  if (!overwrite || target === undefined) return false
  const inside = relative(target, source)
  if (inside === '') {
    if (as)
      throw refusal(`${folder} is the folder that the model was loaded from: it cannot be replaced by one of another kind. Name another.`)
    return true
  }
  if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) return false
  throw refusal(`${folder} holds the folder that the model was loaded from (${source}): replacing it would lose that. Name another.`)
}

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
