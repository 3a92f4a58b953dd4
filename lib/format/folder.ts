import { posix } from 'node:path'
import type { DenseSource, EncoderSource } from '../../binding'
import { SentorchError } from '../base/errors'
import { withOwnPooling, type StoredHead } from '../heads/heads'
import { findClassifier, type FoundClassifier } from './classifier'
import { parseConfig, type EncoderConfig } from './config'
import { bareName, encoderTensors, readWeights } from './weights'
import type { LocatedTensor, Weights } from './safetensors'
import { familyOf } from './families'
import { filesBelow, joinPath, openRoot, otherWeights, readJson, resolveFile, type ModelRoot } from '../files/read'
import { readHeads } from './heads'
import { TensorMatcher, mismatch } from './tensor-matcher'
import { readModules, type SentenceModules } from './modules'
import { AS_STORED, withProperties, type ResolvedProperties } from './properties'
import { printable } from '../base/text'
import { identityOf } from './file-identity'

/** A model folder that was read and checked: what the native `load` and `encode` need. The data of the tensors has not been read. */
export interface ModelFolder {
  /** Absolute path without symbolic links. */
  folder: string
  root: ModelRoot
  /** The content of config.json, and the encoder that it describes. */
  configJson: Readonly<Record<string, unknown>>
  config: EncoderConfig
  /** What the folder's files say, with `properties` in place of it. */
  modules: SentenceModules & { maxSeqLength: number }
  /** Properties that the files do not say: those passed to `Model.load`. */
  properties: ResolvedProperties
  /** Absolute paths of the weights; tensors refer to them by index. */
  files: string[]
  encoder: EncoderSource
  dense: DenseSource[]
  /** Identity of each file, which detects a later change. */
  identities: string[]
  /** Where every parameter of the encoder is stored, by its name in AutoModel. */
  parameters: ReadonlyMap<string, LocatedTensor>
  /** `linear.weight` and `linear.bias` of each Dense module. */
  denseParameters: readonly ReadonlyMap<string, LocatedTensor>[]
  /** Tensors of the encoder's file that are not used (poolers, heads of other tasks), by their names in AutoModel. Saving keeps them. */
  unusedTensors: ReadonlyMap<string, LocatedTensor>
  /** Heads in the folder, in order. */
  heads: readonly StoredHead[]
  /** How the model was trained, from its sentorch.json. */
  training?: Readonly<Record<string, unknown>>
  /** Notes for users, from sentorch.json, and why a classifier in the folder was not loaded as a head. */
  notes: readonly string[]
  classifierNote?: string
  /** Total stored bytes of the tensors that will be read. */
  weightBytes: number
}

/**
 * Opens a local folder in the layout of sentence-transformers or transformers and checks every tensor against config.json.
 * ERR_MODEL_NOT_FOUND: the folder does not exist or does not contain a model. ERR_MODEL_FORMAT: a damaged file. ERR_MODEL_UNSUPPORTED: a feature
 * that is not implemented. ERR_MODEL_MISMATCH: weights and config do not match; the error lists every difference. ERR_UNSAFE_MODEL: pickled
 * weights, paths that leave the folder, or files that are not regular files. ERR_INVALID_ARGUMENT: a property that does not fit the model.
 */
export async function openFolder(folder: string, properties = AS_STORED): Promise<ModelFolder> {
  const root = await openRoot(folder)
  const modules = await readModules(root)
  await refuseAdapter(root, modules.transformerPath)
  const configFile = joinPath(modules.transformerPath, 'config.json')
  const configJson = await readConfigJson(root, configFile, modules)
  const configName = `${configFile} in ${root.shown}`
  const config = parseConfig(configJson, configName)
  checkFeatures(root, modules, config)
  const asked = withProperties(
    { ...modules, maxSeqLength: Math.min(modules.maxSeqLength ?? Infinity, config.usablePositions) },
    config,
    properties,
  )
  const context = { modules, config }

  const files: string[] = []
  const weights = await readWeights(root, modules.transformerPath, files)
  const { encoder, matcher, close } = encoderTensors(config, weights, configFile)
  const own = await readHeads(root, context, files)
  // If the folder has heads written by sentorch, they are its only heads; otherwise transformers' classifier is loaded.
  const found = own ? undefined : findClassifier(configJson, configName, config, weights, matcher, context)
  const matchers = [matcher, ...(own?.matcher ? [own.matcher] : [])]
  const misfits = [close(), own?.misfit]
  const dense: DenseSource[] = []
  const denseMatchers: TensorMatcher[] = []
  for (const { path, inFeatures, outFeatures, bias, activation } of modules.dense) {
    const matcher = new TensorMatcher(await readWeights(root, path, files), `${path}/config.json`)
    dense.push({ linear: matcher.linear('linear', inFeatures, outFeatures, bias), activation })
    misfits.push(matcher.close())
    denseMatchers.push(matcher)
  }
  const wrong = misfits.filter((misfit) => misfit !== undefined)
  if (wrong.length > 0) throw mismatch(wrong, root.shown)
  for (const each of [...matchers, ...denseMatchers]) each.refuseDtypes(root.shown)

  return {
    folder: root.real,
    root,
    configJson: configJson as Record<string, unknown>,
    config,
    modules: asked,
    properties,
    files,
    encoder,
    dense,
    identities: await Promise.all(files.map(identityOf)),
    parameters: matcher.found,
    denseParameters: denseMatchers.map((each) => each.found),
    unusedTensors: unusedOf(weights, matcher, config, found),
    heads: (own?.heads ?? (found && 'classifier' in found ? [found.classifier] : [])).map((head) => withOwnPooling(head, modules, asked)),
    ...(own?.training && { training: own.training }),
    notes: own?.notes ?? [],
    ...(found && 'note' in found && { classifierNote: found.note }),
    weightBytes: [...matchers, ...denseMatchers].reduce((sum, { bytes }) => sum + bytes, 0),
  }
}

/** Whether nobody named a pooling: neither the folder nor the caller of `Model.load`. */
export function assumesPooling({ modules, properties }: Pick<ModelFolder, 'modules' | 'properties'>): boolean {
  return modules.implied && properties.pooling === undefined
}

/** The unused tensors. A classifier that became a head is not among them, since training may change its weights, but its pooler is. */
function unusedOf(
  weights: Weights,
  { found }: TensorMatcher,
  config: EncoderConfig,
  classifier: FoundClassifier,
): Map<string, LocatedTensor> {
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
  const missing = `${root.shown} contains no ${file}`
  if (!modules.implied) {
    throw new SentorchError('ERR_MODEL_NOT_FOUND', `${missing}: modules.json names this path for the Transformer module.`, { detail })
  }
  const paths = await filesBelow(root.real)
  const others = otherWeights(paths, root.shown)
  if (others !== undefined)
    throw new SentorchError('ERR_MODEL_UNSUPPORTED', `${missing}. ${others}`, { detail: { ...detail, files: paths } })
  const models = paths
    .filter((path) => path.endsWith('/config.json') && !/^\d+_\w+\/config\.json$/.test(path))
    .map((path) => posix.dirname(path))
  const hint = models.length > 0 ? ` ${models.slice(0, 3).map(printable).join(', ')} contains a config.json: pass that folder.` : ''
  throw new SentorchError('ERR_MODEL_NOT_FOUND', `${missing}, so it is not the folder of a model.${hint}`, { detail })
}

/** Rejects adapters: transformers would apply them silently. */
async function refuseAdapter(root: ModelRoot, transformerPath: string): Promise<void> {
  const file = joinPath(transformerPath, 'adapter_config.json')
  if ((await resolveFile(root, file)) === undefined) return
  throw new SentorchError(
    'ERR_MODEL_UNSUPPORTED',
    `${file} in ${root.shown}: adapters are not supported. Merge the adapter into the model (merge_and_unload() in Python's peft) and save the merged model.`,
  )
}

/** Checks that each module accepts the output of the previous one. */
function checkFeatures(root: ModelRoot, modules: SentenceModules, config: EncoderConfig): void {
  const fail = (what: string): SentorchError =>
    new SentorchError('ERR_MODEL_MISMATCH', `The modules in ${root.shown} do not match: ${what}.`)
  const { poolingFeatures = config.hiddenSize, pooling, dense } = modules
  if (poolingFeatures !== config.hiddenSize) {
    throw fail(`Pooling expects ${poolingFeatures} features, but the encoder's hidden size is ${config.hiddenSize}`)
  }
  let features = pooling.length * config.hiddenSize
  for (const { path, inFeatures, outFeatures } of dense) {
    if (inFeatures !== features) throw fail(`${path} expects ${inFeatures} features, but the previous module returns ${features}`)
    features = outFeatures
  }
}
