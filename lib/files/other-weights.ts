import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { printable, trimEnd } from '../base/text'

/** Weight files of other frameworks, recognised by their names, and how to obtain safetensors files instead. */
const FORMATS: readonly { name: string; pattern: RegExp; remedy: (place: Place) => string }[] = [
  { name: 'ONNX', pattern: /\.onnx(_data)?$/i, remedy: original },
  { name: 'OpenVINO', pattern: /(^|\/)openvino[^/]*\.(xml|bin)$/i, remedy: original },
  { name: 'GGUF', pattern: /\.(gguf|ggml)$/i, remedy: original },
  { name: 'TensorFlow', pattern: /\.h5$/i, remedy: (place) => converted(place, 'tensorflow tf-keras', 'from_tf=True') },
  { name: 'Flax', pattern: /\.msgpack$/i, remedy: (place) => converted(place, 'flax', 'from_flax=True') },
  { name: 'rust-bert', pattern: /\.ot$/i, remedy: original },
  { name: 'TensorFlow Lite', pattern: /\.tflite$/i, remedy: original },
  { name: 'Core ML', pattern: /\.(mlmodel|mlpackage)(\/|$)/i, remedy: original },
]

/** The name that Python loads: a folder or a repository id. */
type Place = string

function original(): string {
  return 'This format cannot be converted back. Use the PyTorch model that it was exported from (see its README or model card), with model.safetensors.'
}

function converted(place: Place, packages: string, argument: string): string {
  const [from, to] = [JSON.stringify(place), JSON.stringify(`${trimEnd(place, '\\/')}-safetensors`)]
  return (
    `Convert it once with transformers 4 and load ${to}: pip install "transformers<5" torch ${packages}; ` +
    `python3 -c 'from transformers import AutoModel as M, AutoTokenizer as T; M.from_pretrained(${from}, ${argument}).save_pretrained(${to}); ` +
    `T.from_pretrained(${from}).save_pretrained(${to})'`
  )
}

/** One sentence for each kind of other weights among these paths, with the remedy; undefined if none are found. */
export function otherWeights(paths: readonly string[], place: Place): string | undefined {
  const told = FORMATS.flatMap(({ name, pattern, remedy }) => {
    const found = paths.filter((path) => pattern.test(path))
    return found.length > 0
      ? [`The folder contains weights for ${name} (${shortList(found)}), which sentorch cannot read. ${remedy(place)}`]
      : []
  })
  const renamed = paths.filter(
    (path) => path.endsWith('.safetensors') && !/(^|\/)(model(-\d+-of-\d+)?|heads|adapter_model)\.safetensors$/.test(path),
  )
  if (renamed.length > 0) {
    told.push(
      `The folder contains ${shortList(renamed)}, but weights are read from model.safetensors. Rename the file if it contains the whole model.`,
    )
  }
  return told.length > 0 ? told.join(' ') : undefined
}

function shortList(paths: readonly string[]): string {
  const more = paths.length > 3 ? ` and ${paths.length - 3} more` : ''
  return `${paths.slice(0, 3).map(printable).join(', ')}${more}`
}

/** Limit of the search, which only serves an error message. */
const MAX_DEPTH = 3
const MAX_FILES = 2000

/** Sorted paths of the files below a folder, with '/', a few levels deep. Links to folders are not followed. */
export async function filesBelow(folder: string): Promise<string[]> {
  const found: string[] = []
  async function visit(path: string, depth: number): Promise<void> {
    const entries = await readdir(join(folder, path), { withFileTypes: true }).catch(() => [])
    for (const entry of entries) {
      if (found.length >= MAX_FILES) return
      const below = path === '' ? entry.name : `${path}/${entry.name}`
      if (!entry.isDirectory()) found.push(below)
      else if (depth < MAX_DEPTH) await visit(below, depth + 1)
    }
  }
  await visit('', 1)
  return found.sort()
}
