import type { DenseSource, EncoderSource } from '../../binding'
import { SentorchError } from '../errors'
import { parseConfig, type EncoderConfig } from './config'
import { encoderTensors } from './encoder'
import { readJson } from './files'
import { Ledger, mismatch, type Misfit } from './ledger'
import { readModules, type SentenceModules } from './modules'
import { joinPath, openRoot, resolveFile, type ModelRoot } from './paths'
import { readWeights } from './weights'

/** A model's folder, read and checked: what native `load` needs and what encode must know. No tensor's bytes have been read. */
export interface ModelFolder {
  /** Absolute, free of symbolic links. */
  folder: string
  config: EncoderConfig
  modules: SentenceModules & { maxSeqLength: number }
  /** Absolute paths of the weights; the tensors name them by place. */
  files: string[]
  encoder: EncoderSource
  dense: DenseSource[]
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
  const config = await readConfig(root, configFile, modules)
  checkFeatures(root, modules, config)

  const files: string[] = []
  const { encoder, ledger, misfit } = encoderTensors(config, await readWeights(root, modules.transformerPath, files), configFile)
  const ledgers = [ledger]
  const misfits: Misfit[] = misfit ? [misfit] : []
  const dense: DenseSource[] = []
  for (const { path, inFeatures, outFeatures, bias, activation } of modules.dense) {
    const own = new Ledger(await readWeights(root, path, files), `${path}/config.json`)
    dense.push({ linear: own.linear('linear', inFeatures, outFeatures, bias), activation })
    const denseMisfit = own.close()
    if (denseMisfit) misfits.push(denseMisfit)
    ledgers.push(own)
  }
  if (misfits.length > 0) throw mismatch(misfits, root.shown)
  for (const each of ledgers) each.refuseDtypes(root.shown)

  return {
    folder: root.real,
    config,
    modules: { ...modules, maxSeqLength: Math.min(modules.maxSeqLength ?? Infinity, config.usablePositions) },
    files,
    encoder,
    dense,
    weightBytes: ledgers.reduce((sum, { bytes }) => sum + bytes, 0),
  }
}

async function readConfig(root: ModelRoot, file: string, modules: SentenceModules): Promise<EncoderConfig> {
  const json = await readJson(root, file)
  if (json === undefined) {
    const why = modules.implied ? 'this is not the folder of a model' : 'modules.json says that the Transformer lies there'
    throw new SentorchError('ERR_MODEL_NOT_FOUND', `There is no ${file} in ${root.shown}: ${why}.`, { detail: { folder: root.shown } })
  }
  return parseConfig(json, `${file} in ${root.shown}`)
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
