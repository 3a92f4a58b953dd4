import { trimPath } from '../base/text'

/** Reads a small file of the repository; undefined if it is not available. */
export type ReadText = (path: string) => Promise<string | undefined>

/** The files of a repository that a model needs. */
export interface Selection {
  /** Paths of the files, all of which are in the listing. */
  files: string[]
  /** Files without which the model cannot be opened, with the files that exist in their place. */
  missing: { path: string; pickle: string[]; others: string[] }[]
}

interface Module {
  path: string
  kind: string
}

const METADATA =
  /^(?:config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|sentence_[\w-]+_config)\.json$|^vocab\.\w+$|^merges\.txt$/
const TOKENIZERS = ['tokenizer.json', 'vocab.txt', 'vocab.json']
const PICKLE = /^(?:pytorch_model|model|consolidated)[\w.-]*\.(?:bin|pt|pth|ckpt|pkl)$/
const OTHER_WEIGHTS = /\.(?:onnx|gguf|h5|msgpack|ot|tflite|safetensors)$/

/**
 * Selects files by name from the listing of a repository: the model's metadata, its tokenizer, its weights as safetensors and the folders
 * that `modules.json` names. Invalid metadata selects no further files here; opening the folder reports what is wrong with it.
 */
export async function selectFiles(listing: Iterable<string>, read: ReadText): Promise<Selection> {
  const paths = new Set(listing)
  const files = new Set(['modules.json', 'config_sentence_transformers.json'].filter((path) => paths.has(path)))
  const missing: Selection['missing'] = []

  const inFolder = (folder: string) => {
    const names = [...paths].filter((path) => path.startsWith(folder)).map((path) => path.slice(folder.length))
    return names.filter((name) => !name.includes('/'))
  }
  const need = (folder: string, name: string) => {
    if (paths.has(folder + name)) return files.add(folder + name)
    const names = inFolder(folder)
    const weights = name.endsWith('.safetensors')
    return missing.push({
      path: folder + name,
      pickle: weights ? names.filter((other) => PICKLE.test(other)).map((other) => folder + other) : [],
      others: weights ? [...paths].filter((other) => OTHER_WEIGHTS.test(other)) : [],
    })
  }
  const needWeights = async (folder: string) => {
    const index = `${folder}model.safetensors.index.json`
    if (paths.has(`${folder}model.safetensors`) || !paths.has(index)) return void need(folder, 'model.safetensors')
    files.add(index)
    for (const shard of shardNames(await read(index))) need(folder, shard)
  }

  for (const { path, kind } of await moduleList(paths, read)) {
    if (kind === 'Transformer') {
      need(path, 'config.json')
      const names = inFolder(path)
      const tokenizer = TOKENIZERS.some((name) => names.includes(name))
      for (const name of names) if (METADATA.test(name) || (!tokenizer && name.endsWith('.model'))) files.add(path + name)
      if (!names.some((name) => TOKENIZERS.includes(name) || name.endsWith('.model'))) need(path, 'tokenizer.json')
      await needWeights(path)
    } else if (kind === 'Dense') {
      need(path, 'config.json')
      await needWeights(path)
    } else if (kind === 'Pooling') {
      need(path, 'config.json')
    } else if (paths.has(`${path}config.json`)) {
      files.add(`${path}config.json`)
    }
  }
  return { files: [...files], missing }
}

async function moduleList(paths: Set<string>, read: ReadText): Promise<Module[]> {
  const plain = [{ path: '', kind: 'Transformer' }]
  if (!paths.has('modules.json')) return plain
  const modules = parse(await read('modules.json'))
  if (!Array.isArray(modules)) return plain
  return modules.map((module: { path?: unknown; type?: unknown } | null) => {
    const path = trimPath(String(module?.path ?? ''))
    return {
      path: path === '' || path === '.' ? '' : `${path}/`,
      kind: String(module?.type ?? '')
        .split('.')
        .at(-1)!,
    }
  })
}

function shardNames(text: string | undefined): Set<string> {
  const map = (parse(text) as { weight_map?: unknown } | undefined)?.weight_map
  const names = typeof map === 'object' && map !== null ? Object.values(map) : []
  return new Set(names.filter((name): name is string => typeof name === 'string'))
}

function parse(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}
