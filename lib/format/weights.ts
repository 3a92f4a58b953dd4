import type { EncoderSource } from '../../binding'
import { SentorchError } from '../base/errors'
import { printable, trimEnd } from '../base/text'
import { Fields } from '../files/fields'
import { filesBelow, otherWeights } from '../files/other-weights'
import { checkRelative, joinPath, readJson, resolveFile, type ModelRoot } from '../files/read'
import type { EncoderConfig } from './config'
import { EMBEDDINGS, FAMILIES, familyOf, IGNORED, type Family } from './families'
import { Ledger, type Misfit } from './ledger'
import { readSafetensorsHeader, type StoredTensor } from './safetensors'

const SINGLE = 'model.safetensors'
const INDEX = 'model.safetensors.index.json'
const MAX_SHARDS = 4096

/** A tensor and the file that it lies in, by its place in `files`. */
export interface LocatedTensor extends StoredTensor {
  file: number
}

export interface Weights {
  /** The file, or the index of the shards, as messages name it. */
  name: string
  tensors: Map<string, LocatedTensor>
}

/**
 * Reads the headers of the weights in one folder of the model ('' is the model's own): model.safetensors, else the shards of its index.
 * Their absolute paths are appended to `files`. ERR_UNSAFE_MODEL where there are pickled weights only.
 */
export async function readWeights(root: ModelRoot, folder: string, files: string[]): Promise<Weights> {
  const single = joinPath(folder, SINGLE)
  const file = await resolveFile(root, single)
  if (file !== undefined) {
    const { tensors } = await readSafetensorsHeader(file, single)
    return { name: single, tensors: locate(tensors, files.push(file) - 1) }
  }
  const index = await readJson(root, joinPath(folder, INDEX))
  if (index !== undefined) return readShards(root, folder, index, files)
  throw await nothingToRead(root, folder)
}

async function readShards(root: ModelRoot, folder: string, json: unknown, files: string[]): Promise<Weights> {
  const name = joinPath(folder, INDEX)
  const index = new Fields(json, `${name} in ${root.shown}`)
  const map = index.object('weight_map')
  const places = new Map(map.keys().map((tensor) => [tensor, map.string(tensor)]))
  const shards = new Set(places.values())
  if (shards.size === 0 || shards.size > MAX_SHARDS) throw broken(root, name, `names ${shards.size} files`)
  const tensors = new Map<string, LocatedTensor>()
  for (const [shard, file] of await resolveShards(root, folder, name, [...shards].sort())) {
    const header = await readSafetensorsHeader(file, joinPath(folder, shard))
    for (const [tensor, located] of locate(header.tensors, files.push(file) - 1)) {
      const told = places.get(tensor)
      if (told !== shard) {
        const place = told === undefined ? 'does not name' : `looks in ${printable(told)} for`
        throw broken(root, name, `${place} tensor ${printable(tensor)}, which ${printable(shard)} holds`)
      }
      tensors.set(tensor, located)
    }
  }
  for (const [tensor, shard] of places) {
    if (!tensors.has(tensor)) throw broken(root, name, `looks in ${printable(shard)} for tensor ${printable(tensor)}, which is not there`)
  }
  return { name, tensors }
}

async function resolveShards(root: ModelRoot, folder: string, index: string, shards: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const shard of shards) {
    checkRelative(root, shard, index)
    const file = await resolveFile(root, joinPath(folder, shard), index)
    if (file !== undefined) found.set(shard, file)
  }
  const missing = shards.filter((shard) => !found.has(shard)).map(printable)
  if (missing.length > 0) throw broken(root, index, `names ${missing.join(', ')}, missing here: the download is incomplete`)
  return found
}

function locate(tensors: Map<string, StoredTensor>, file: number): Map<string, LocatedTensor> {
  return new Map([...tensors].map(([name, tensor]) => [name, { ...tensor, file }]))
}

async function nothingToRead(root: ModelRoot, folder: string): Promise<SentorchError> {
  const real = await resolveFile(root, folder)
  const paths = real === undefined ? [] : await filesBelow(real)
  const pickled = paths.filter(
    (path) => /^[^/]+\.(bin|pt|pth|ckpt|pkl|pickle)$/i.test(path) && !/^(training_args|optimizer|scheduler|openvino)/.test(path),
  )
  const where = folder === '' ? root.shown : `${folder} in ${root.shown}`
  const others = otherWeights(paths, root.shown)
  if (pickled.length === 0) {
    const missing = `There is neither ${SINGLE} nor ${INDEX} in ${where}.`
    if (others !== undefined) {
      return new SentorchError('ERR_MODEL_UNSUPPORTED', `${missing} ${others}`, { detail: { folder: where, files: paths } })
    }
    const shards = paths.filter((path) => /^model-\d+-of-\d+\.safetensors$/.test(path))
    const hint =
      shards.length > 0 ? ` It holds ${shards.map(printable).join(', ')}: their index is missing, the download is incomplete.` : ''
    return new SentorchError('ERR_MODEL_FORMAT', `${missing}${hint}`, { detail: { folder: where } })
  }
  const from = JSON.stringify(root.shown)
  const to = JSON.stringify(`${trimEnd(root.shown, '\\/')}-safetensors`)
  const convert = (await resolveFile(root, 'modules.json'))
    ? `from sentence_transformers import SentenceTransformer as M; M(${from}).save_pretrained(${to}, safe_serialization=True)`
    : 'from transformers import AutoModel as M, AutoTokenizer as T; ' +
      `M.from_pretrained(${from}).save_pretrained(${to}, safe_serialization=True); T.from_pretrained(${from}).save_pretrained(${to})`
  return new SentorchError(
    'ERR_UNSAFE_MODEL',
    `The weights in ${where} are pickled (${pickled.map(printable).join(', ')}): opening a pickle can run any code, so it is refused. ` +
      `If you trust its source, convert it once and load ${to}: python3 -c '${convert}'`,
    { detail: { folder: where, files: pickled } },
  )
}

function broken(root: ModelRoot, index: string, reason: string): SentorchError {
  return new SentorchError('ERR_MODEL_FORMAT', `${index} in ${root.shown} ${reason}.`, { detail: { file: index, reason } })
}

export interface EncoderTensors {
  encoder: EncoderSource
  ledger: Ledger
  /** What does not fit, once everything that lies beside the encoder was taken too. */
  close: () => Misfit | undefined
}

/** Finds every tensor of the encoder, with or without the family's prefix; they are named as AutoModel names them. `config`: the name of the file that the shapes come from. */
export function encoderTensors(config: EncoderConfig, weights: Weights, configName: string): EncoderTensors {
  const family = familyOf(config.modelType)!
  const prefix = encoderPrefix(family, weights)
  const ledger = new Ledger(weights, configName, prefix)
  const hidden = config.hiddenSize
  const wide = config.intermediateSize
  const encoder: EncoderSource = {
    hiddenSize: hidden,
    heads: config.heads,
    intermediateSize: wide,
    layerNormEps: config.layerNormEps,
    activation: config.activation,
    positionPadding: config.positionPadding,
    wordPadding: config.wordPadding,
    wordEmbeddings: ledger.take(EMBEDDINGS.word, [config.vocabSize, hidden]),
    positionEmbeddings: ledger.take(EMBEDDINGS.position, [config.maxPositions, hidden]),
    tokenTypeEmbeddings: config.typeVocabSize > 0 ? ledger.take(EMBEDDINGS.tokenType, [config.typeVocabSize, hidden]) : null,
    embeddingNorm: ledger.norm(EMBEDDINGS.norm, hidden),
    layers: Array.from({ length: config.layers }, (_, layer) => {
      const at = (name: keyof Family['names']): string => family.names[name].replace('#', String(layer))
      return {
        query: ledger.linear(at('query'), hidden, hidden),
        key: ledger.linear(at('key'), hidden, hidden),
        value: ledger.linear(at('value'), hidden, hidden),
        attentionOutput: ledger.linear(at('attentionOutput'), hidden, hidden),
        attentionNorm: ledger.norm(at('attentionNorm'), hidden),
        intermediate: ledger.linear(at('intermediate'), hidden, wide),
        output: ledger.linear(at('output'), wide, hidden),
        outputNorm: ledger.norm(at('outputNorm'), hidden),
      }
    }),
    relativeAttentionBias:
      config.relativeAttentionBuckets > 0
        ? ledger.take(EMBEDDINGS.relativeAttentionBias, [config.relativeAttentionBuckets, config.heads])
        : null,
  }
  const ignored = (name: string): boolean => {
    // A table of no rows is how transformers writes "no token types".
    const noTypes = config.typeVocabSize === 0 && family.tokenTypes && name === prefix + EMBEDDINGS.tokenType
    return noTypes ? weights.tensors.get(name)!.bytes === 0 : IGNORED.some((pattern) => pattern.test(bareName(family, name)))
  }
  const close = (): Misfit | undefined => {
    const misfit = ledger.close(ignored)
    return misfit && { ...misfit, hint: otherFamily(family, config.modelType, weights) }
  }
  return { encoder, ledger, close }
}

/** What stands before the encoder's tensors in this file: the family's prefix where it was saved with a head on top, else nothing. */
export function encoderPrefix(family: Family, weights: Weights): string {
  return [...weights.tensors.keys()].some((name) => name.startsWith(`${family.prefix}embeddings.`)) ? family.prefix : ''
}

/** As AutoModel names it. */
export function bareName(family: Family, name: string): string {
  return name.startsWith(family.prefix) ? name.slice(family.prefix.length) : name
}

/** Names the family that the file looks like, when it is surely another one. */
function otherFamily(family: Family, modelType: string, weights: Weights): string | undefined {
  const query = (f: Family): string => f.names.query.replace('#', '0') + '.weight'
  const holds = (f: Family): boolean => weights.tensors.has(query(f)) || weights.tensors.has(f.prefix + query(f))
  if (holds(family)) return undefined
  const likely = FAMILIES.filter((f) => f !== family && holds(f)).flatMap((f) => f.modelTypes)
  return likely.length > 0 ? `The weights look like ${likely.join(' or ')}, the config says ${modelType}.` : undefined
}
