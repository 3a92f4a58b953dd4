// The peers to compare with: sentence-transformers in a Python environment, transformers.js beside an exported ONNX model.
// Made once below <cache>/bench; about 6 GB, since Python's torch insists on its CUDA libraries.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { Explained, step } from '../scripts/support/console.mjs'
import { inRoot } from '../scripts/support/paths.mjs'
import { npm, run } from '../scripts/support/process.mjs'

const require = createRequire(import.meta.url)
const reference = inRoot('..', 'shared', 'reference')
const data = inRoot('..', 'shared', 'data')
const NAME = 'all-MiniLM-L6-v2'

/** Where everything lies. `venv`: an environment made by setup.sh to use instead of our own. */
export async function preparePeers(model, { venv } = {}) {
  for (const needed of [reference, data]) {
    if (!fs.existsSync(needed)) throw new Explained(`The benchmark compares with the programs and texts of ${needed}, which is not there.`)
  }
  const { cacheFolder } = require(inRoot('dist/libtorch/cache.js'))
  const folder = path.join(cacheFolder(), 'bench')
  fs.mkdirSync(folder, { recursive: true })
  const python = await environment(venv ?? path.join(folder, 'venv'))
  const js = await transformersJs(folder, python, model)
  return { python, reference, data, texts: writeTexts(folder), ...js }
}

async function environment(venv) {
  const python = path.join(venv, 'bin', 'python')
  if (!fs.existsSync(python))
    await step(`Making the Python environment (6 GB) in ${venv}`, () => run('bash', [path.join(reference, 'setup.sh'), venv]))
  return python
}

async function transformersJs(folder, python, model) {
  const home = path.join(folder, 'transformersjs')
  const models = path.join(home, 'models')
  fs.mkdirSync(models, { recursive: true })
  if (!fs.existsSync(path.join(home, 'node_modules', '@huggingface', 'transformers'))) {
    // Its runtime's install script fetches CUDA libraries; the CPU's are in the package.
    await step('Installing transformers.js', () => npm(['install', '--ignore-scripts', '--prefix', home, '@huggingface/transformers']))
  }
  if (!fs.existsSync(path.join(models, NAME, 'onnx', 'model.onnx'))) {
    await step('Exporting the model to ONNX', async () => {
      await run(python, ['-m', 'pip', 'install', '-q', 'onnx', 'onnxruntime'])
      await run(python, [path.join(reference, 'export_onnx.py'), model, path.join(models, NAME)])
    })
  }
  for (const program of [path.join(reference, 'encode_transformersjs.mjs'), inRoot('bench/programs/first-transformersjs.mjs')]) {
    fs.copyFileSync(program, path.join(home, path.basename(program)))
  }
  return { transformersJs: home, models, name: NAME }
}

/** Short sentences of about 15 tokens (SNIPS as it is), and passages of about 200 (its words in a row). */
function writeTexts(folder) {
  const lines = fs.readFileSync(path.join(data, 'snips/train/seq.in'), 'utf8').trim().split('\n')
  const short = lines.map((line) => line.trim()).slice(0, 2048)
  const words = lines.flatMap((line) => line.trim().split(/\s+/))
  const long = Array.from({ length: 512 }, (_, i) => words.slice(i * 150, i * 150 + 120 + ((i * 37) % 81)).join(' '))
  const files = { short: path.join(folder, 'short.json'), long: path.join(folder, 'long.json') }
  fs.writeFileSync(files.short, JSON.stringify(short))
  fs.writeFileSync(files.long, JSON.stringify(long))
  return files
}
