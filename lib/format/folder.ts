import { posix } from 'node:path'
import type { DenseSource, EncoderSource } from '../../binding'
import { SentorchError } from '../base/errors'
import type { StoredHead } from '../heads/heads'
import { findClassifier, type FoundClassifier } from './classifier'
import { parseConfig, type EncoderConfig } from './config'
import { bareName, encoderTensors, readWeights, type LocatedTensor, type Weights } from './weights'
import { familyOf } from './families'
import { joinPath, openRoot, readJson, resolveFile, type ModelRoot } from '../files/read'
import { readHeads } from './heads'
import { Ledger, mismatch } from './ledger'
import { readModules, type SentenceModules } from './modules'
import { filesBelow, otherWeights } from '../files/other-weights'
import { printable } from '../base/text'
import { stampOf } from './place'

/** A model's folder, read and checked: what native `load` needs and what encode must know. No tensor's bytes have been read. */
export interface ModelFolder {
  /** Absolute, free of symbolic links. */
  folder: string
  root: ModelRoot
  /** config.json as it is, and what was read out of it. */
  configJson: Readonly<Record<string, unknown>>
  config: EncoderConfig
  modules: SentenceModules & { maxSeqLength: number }
  /** Absolute paths of the weights; the tensors name them by place. */
  files: string[]
  encoder: EncoderSource
  dense: DenseSource[]
  /** Of each file, by which a later change of it is seen. */
  stamps: string[]
  /** Where every parameter of the encoder is stored, by AutoModel's names. */
  parameters: ReadonlyMap<string, LocatedTensor>
  /** Per Dense module: `linear.weight` and `linear.bias`. */
  denseParameters: readonly ReadonlyMap<string, LocatedTensor>[]
  /** Tensors of the encoder's file that nothing here uses (poolers, heads of other tasks), by AutoModel's names. */
  passengers: ReadonlyMap<string, LocatedTensor>
  /** Heads that the folder holds, in order. */
  heads: readonly StoredHead[]
  /** How it was trained, as its sentorch.json says. */
  training?: Readonly<Record<string, unknown>>
  /** What a careful user should know of the folder: as its sentorch.json says, and why a classifier in it is no head. */
  notes: readonly string[]
  classifierNote?: string
  /** Bytes of the tensors that will be read, as stored. */
  weightBytes: number
}

/**
 * Opens a local folder in sentence-transformers' or transformers' layout. Every tensor has been checked against config.json when it resolves.
 * ERR_MODEL_NOT_FOUND: no folder, or none of a model. ERR_MODEL_FORMAT: a broken file. ERR_MODEL_UNSUPPORTED: something that is not built, by name.
 * ERR_MODEL_MISMATCH: weights and config disagree; all of it is listed. ERR_UNSAFE_MODEL: pickled weights, paths that leave the folder, no regular files.
 */
export async function openFolder(folder: string): Promise<ModelFolder> {
  const root = await openRoot(folder)
  const modules = await readModules(root)
  await refuseAdapter(root, modules.transformerPath)
  const configFile = joinPath(modules.transformerPath, 'config.json')
  const configJson = await readConfigJson(root, configFile, modules)
  const configName = `${configFile} in ${root.shown}`
  const config = parseConfig(configJson, configName)
  checkFeatures(root, modules, config)
  const context = { modules, config }

  const files: string[] = []
  const weights = await readWeights(root, modules.transformerPath, files)
  const { encoder, ledger, close } = encoderTensors(config, weights, configFile)
  const own = await readHeads(root, context, files)
  // The heads that we wrote are all that the model has; transformers' own classifier counts only without them.
  const found = own ? undefined : findClassifier(configJson, configName, config, weights, ledger, context)
  const ledgers = [ledger, ...(own?.ledger ? [own.ledger] : [])]
  const misfits = [close(), own?.misfit]
  const dense: DenseSource[] = []
  const denseLedgers: Ledger[] = []
  for (const { path, inFeatures, outFeatures, bias, activation } of modules.dense) {
    const ledger = new Ledger(await readWeights(root, path, files), `${path}/config.json`)
    dense.push({ linear: ledger.linear('linear', inFeatures, outFeatures, bias), activation })
    misfits.push(ledger.close())
    denseLedgers.push(ledger)
  }
  const wrong = misfits.filter((misfit) => misfit !== undefined)
  if (wrong.length > 0) throw mismatch(wrong, root.shown)
  for (const each of [...ledgers, ...denseLedgers]) each.refuseDtypes(root.shown)

  return {
    folder: root.real,
    root,
    configJson: configJson as Record<string, unknown>,
    config,
    modules: { ...modules, maxSeqLength: Math.min(modules.maxSeqLength ?? Infinity, config.usablePositions) },
    files,
    encoder,
    dense,
    stamps: await Promise.all(files.map(stampOf)),
    parameters: ledger.found,
    denseParameters: denseLedgers.map((each) => each.found),
    passengers: passengersOf(weights, ledger, config, found),
    heads: own?.heads ?? (found && 'classifier' in found ? [found.classifier] : []),
    ...(own?.training && { training: own.training }),
    notes: own?.notes ?? [],
    ...(found && 'note' in found && { classifierNote: found.note }),
    weightBytes: [...ledgers, ...denseLedgers].reduce((sum, { bytes }) => sum + bytes, 0),
  }
}

/** A classifier that became a head is no passenger: its weights may change. Its pooler is one, as in every other file. */
function passengersOf(weights: Weights, { found }: Ledger, config: EncoderConfig, classifier: FoundClassifier): Map<string, LocatedTensor> {
  const family = familyOf(config.modelType)!
  const used = new Set(found.values())
  const ofHead = /^(pre_)?classifier\./
  const isHead = classifier && 'classifier' in classifier
  return new Map(
    [...weights.tensors]
      .filter(([name, tensor]) => !used.has(tensor) && !(isHead && ofHead.test(name)))
      .map(([name, tensor]) => [bareName(family, name), tensor]),
  )
}

async function readConfigJson(root: ModelRoot, file: string, modules: SentenceModules): Promise<unknown> {
  const json = await readJson(root, file)
  if (json !== undefined) return json
  const detail = { folder: root.shown }
  const missing = `There is no ${file} in ${root.shown}`
  if (!modules.implied) {
    throw new SentorchError('ERR_MODEL_NOT_FOUND', `${missing}: modules.json says that the Transformer lies there.`, { detail })
  }
  const paths = await filesBelow(root.real)
  const others = otherWeights(paths, root.shown)
  if (others !== undefined)
    throw new SentorchError('ERR_MODEL_UNSUPPORTED', `${missing}. ${others}`, { detail: { ...detail, files: paths } })
  const models = paths
    .filter((path) => path.endsWith('/config.json') && !/^\d+_\w+\/config\.json$/.test(path))
    .map((path) => posix.dirname(path))
  const hint = models.length > 0 ? ` A config.json lies in ${models.slice(0, 3).map(printable).join(', ')}: give that folder.` : ''
  throw new SentorchError('ERR_MODEL_NOT_FOUND', `${missing}: this is not the folder of a model.${hint}`, { detail })
}

/** transformers would put the adapter's weights on top, silently. */
async function refuseAdapter(root: ModelRoot, transformerPath: string): Promise<void> {
  const file = joinPath(transformerPath, 'adapter_config.json')
  if ((await resolveFile(root, file)) === undefined) return
  throw new SentorchError(
    'ERR_MODEL_UNSUPPORTED',
    `${file} in ${root.shown}: adapters are not supported. Merge it into the model (merge_and_unload() in Python's peft) and save that.`,
  )
}

/** Each module must take what the one before it gives. */
function checkFeatures(root: ModelRoot, modules: SentenceModules, config: EncoderConfig): void {
  const fail = (what: string): SentorchError =>
    new SentorchError('ERR_MODEL_MISMATCH', `The modules in ${root.shown} do not fit together: ${what}.`)
  const { poolingFeatures = config.hiddenSize, pooling, dense } = modules
  if (poolingFeatures !== config.hiddenSize) {
    throw fail(`Pooling takes tokens of ${poolingFeatures} features, the encoder gives ${config.hiddenSize}`)
  }
  let features = pooling.length * config.hiddenSize
  for (const { path, inFeatures, outFeatures } of dense) {
    if (inFeatures !== features) throw fail(`${path} takes ${inFeatures} features, the modules before it give ${features}`)
    features = outFeatures
  }
}
