import type { EncoderSource } from '../../binding'
import { SentorchError } from '../base/errors'
import { printable, trimEnd } from '../base/text'
import { Fields } from '../files/fields'
import { checkRelative, filesBelow, joinPath, otherWeights, readJson, resolveFile, type ModelRoot } from '../files/read'
import type { EncoderConfig } from './config'
import { EMBEDDINGS, FAMILIES, familyOf, IGNORED, type Family } from './families'
import { TensorMatcher, type Misfit } from './tensor-matcher'
import { readSafetensorsHeader, type LocatedTensor, type StoredTensor, type Weights } from './safetensors'

const SINGLE = 'model.safetensors'
const INDEX = 'model.safetensors.index.json'
const MAX_SHARDS = 4096

/**
 * Reads the headers of the weights in one folder of the model ('' is the model folder): model.safetensors, or the shards in its index.
 * Appends their absolute paths to `files`. Throws ERR_UNSAFE_MODEL if only pickled weights exist.
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
        const place = told === undefined ? 'does not list' : `names ${printable(told)} for`
        throw broken(root, name, `${place} tensor ${printable(tensor)}, which ${printable(shard)} contains`)
      }
      tensors.set(tensor, located)
    }
  }
  for (const [tensor, shard] of places) {
    if (!tensors.has(tensor))
      throw broken(root, name, `names ${printable(shard)} for tensor ${printable(tensor)}, which that file does not contain`)
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
  if (missing.length > 0) throw broken(root, index, `names missing files (${missing.join(', ')}): the download is incomplete`)
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
    const missing = `${where} contains neither ${SINGLE} nor ${INDEX}.`
    if (others !== undefined) {
      return new SentorchError('ERR_MODEL_UNSUPPORTED', `${missing} ${others}`, { detail: { folder: where, files: paths } })
    }
    const shards = paths.filter((path) => /^model-\d+-of-\d+\.safetensors$/.test(path))
    const hint =
      shards.length > 0 ? ` It contains ${shards.map(printable).join(', ')}, but not their index: the download is incomplete.` : ''
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
    `The weights in ${where} are pickled (${pickled.map(printable).join(', ')}). They are not opened, since a pickle can run arbitrary code. ` +
      `If you trust the source, convert them once and load ${to}: python3 -c '${convert}'`,
    { detail: { folder: where, files: pickled } },
  )
}

function broken(root: ModelRoot, index: string, reason: string): SentorchError {
  return new SentorchError('ERR_MODEL_FORMAT', `${index} in ${root.shown} ${reason}.`, { detail: { file: index, reason } })
}

export interface EncoderTensors {
  encoder: EncoderSource
  matcher: TensorMatcher
  /** The mismatches, after all tensors outside the encoder were looked up too. */
  close: () => Misfit | undefined
}

/** Finds every tensor of the encoder, with or without the family's prefix, and names them as AutoModel does. `config`: the file that determines the shapes. */
export function encoderTensors(config: EncoderConfig, weights: Weights, configName: string): EncoderTensors {
  const family = familyOf(config.modelType)!
  const prefix = encoderPrefix(family, weights)
  const matcher = new TensorMatcher(weights, configName, prefix)
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
    wordEmbeddings: matcher.take(EMBEDDINGS.word, [config.vocabSize, hidden]),
    positionEmbeddings: matcher.take(EMBEDDINGS.position, [config.maxPositions, hidden]),
    tokenTypeEmbeddings: config.typeVocabSize > 0 ? matcher.take(EMBEDDINGS.tokenType, [config.typeVocabSize, hidden]) : null,
    embeddingNorm: matcher.norm(EMBEDDINGS.norm, hidden),
    layers: Array.from({ length: config.layers }, (_, layer) => {
      const at = (name: keyof Family['names']): string => family.names[name].replace('#', String(layer))
      return {
        query: matcher.linear(at('query'), hidden, hidden),
        key: matcher.linear(at('key'), hidden, hidden),
        value: matcher.linear(at('value'), hidden, hidden),
        attentionOutput: matcher.linear(at('attentionOutput'), hidden, hidden),
        attentionNorm: matcher.norm(at('attentionNorm'), hidden),
        intermediate: matcher.linear(at('intermediate'), hidden, wide),
        output: matcher.linear(at('output'), wide, hidden),
        outputNorm: matcher.norm(at('outputNorm'), hidden),
      }
    }),
    relativeAttentionBias:
      config.relativeAttentionBuckets > 0
        ? matcher.take(EMBEDDINGS.relativeAttentionBias, [config.relativeAttentionBuckets, config.heads])
        : null,
  }
  const ignored = (name: string): boolean => {
    // transformers writes a table without rows for a model without token types.
    const noTypes = config.typeVocabSize === 0 && family.tokenTypes && name === prefix + EMBEDDINGS.tokenType
    return noTypes ? weights.tensors.get(name)!.bytes === 0 : IGNORED.some((pattern) => pattern.test(bareName(family, name)))
  }
  const close = (): Misfit | undefined => {
    const misfit = matcher.close(ignored)
    return misfit && { ...misfit, hint: otherFamily(family, config.modelType, weights) }
  }
  return { encoder, matcher, close }
}

/** The prefix of the encoder's tensors in this file: the family's prefix if it was saved with a head, otherwise empty. */
export function encoderPrefix(family: Family, weights: Weights): string {
  return [...weights.tensors.keys()].some((name) => name.startsWith(`${family.prefix}embeddings.`)) ? family.prefix : ''
}

/** The name in AutoModel. */
export function bareName(family: Family, name: string): string {
  return name.startsWith(family.prefix) ? name.slice(family.prefix.length) : name
}

/** Names the family that the weights belong to, if it is certain that it differs from the config's. */
function otherFamily(family: Family, modelType: string, weights: Weights): string | undefined {
  const query = (f: Family): string => f.names.query.replace('#', '0') + '.weight'
  const holds = (f: Family): boolean => weights.tensors.has(query(f)) || weights.tensors.has(f.prefix + query(f))
  if (holds(family)) return undefined
  const likely = FAMILIES.filter((f) => f !== family && holds(f)).flatMap((f) => f.modelTypes)
  return likely.length > 0 ? `The weights look like ${likely.join(' or ')}, but model_type in the config is ${modelType}.` : undefined
}
