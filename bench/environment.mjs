// The peers' programs: sentence-transformers and PyTorch in a Python environment, transformers.js with an exported ONNX model.
// Created once below <cache>/bench; about 6 GB, since Python's torch requires its CUDA libraries.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { Explained, step } from '../scripts/support/console.mjs'
import { inRoot } from '../scripts/support/paths.mjs'
import { capture, npm, run } from '../scripts/support/process.mjs'
import { which } from '../scripts/support/tools.mjs'

const require = createRequire(import.meta.url)
const peer = (name) => inRoot('bench/peers', name)
const SENTENCE_TRANSFORMERS = 'sentence-transformers==6.2.0'
const TRANSFORMERS_JS = '@huggingface/transformers@4.3.1'
/** The packages that the programs import; seqeval scores the entities of the results. */
const MODULES = 'import torch, transformers, sentence_transformers, seqeval.metrics'

export function benchFolder() {
  const { cacheFolder } = require(inRoot('dist/libtorch/find.js'))
  const folder = path.join(cacheFolder(), 'bench')
  fs.mkdirSync(folder, { recursive: true })
  return folder
}

/** The python of an environment with all packages. `venv`: an environment of the user's, used unchanged. */
export async function preparePython(venv) {
  const folder = venv ?? path.join(benchFolder(), 'venv')
  const python = path.join(folder, ...(process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python']))
  if (venv) {
    if (!fs.existsSync(python)) throw new Explained(`--venv must be a Python environment, but ${python} does not exist.`)
    const { code, stderr } = await capture(python, ['-c', MODULES])
    if (code !== 0)
      throw new Explained(
        `${venv} lacks packages:\n  ${stderr.trim().split('\n').at(-1)}\n  They are listed in bench/peers/requirements.txt.`,
      )
    return python
  }
  // The last step of the installation creates this file, so that an interrupted installation is continued.
  const whole = path.join(folder, '.whole')
  if (fs.existsSync(whole)) return python
  const system = ['python3', 'python'].find(which)
  if (!system) throw new Explained('The peers need Python 3.10 or newer with pip and venv.')
  await step(`Making the Python environment (3 GB to download, 6 GB in all) in ${folder}`, async () => {
    const pip = (...args) => run(python, ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', ...args])
    await run(system, ['-m', 'venv', folder])
    await pip('-r', peer('requirements.txt'), 'seqeval')
    await pip('--no-deps', SENTENCE_TRANSFORMERS)
    await run(python, ['-c', MODULES])
    fs.writeFileSync(whole, '')
  })
  return python
}

/** transformers.js below the cache folder, and the model exported for it. */
export async function prepareTransformersJs(python, model) {
  const home = path.join(benchFolder(), 'transformersjs')
  const models = path.join(home, 'models')
  const name = path.basename(model)
  fs.mkdirSync(models, { recursive: true })
  if (!fs.existsSync(path.join(home, 'node_modules', '@huggingface', 'transformers'))) {
    // The install script of its runtime downloads CUDA libraries; those for the CPU are in the package.
    const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel', 'error', '--prefix', home, TRANSFORMERS_JS]
    await step('Installing transformers.js', () => npm(args))
  }
  if (!fs.existsSync(path.join(models, name, 'onnx', 'model.onnx'))) {
    await step('Exporting the model to ONNX', async () => {
      // In a separate folder, since the environment may be the user's.
      const packages = path.join(home, 'onnx-packages')
      await run(python, [
        '-m',
        'pip',
        'install',
        '-q',
        '--disable-pip-version-check',
        '--no-deps',
        '--target',
        packages,
        'onnx',
        'ml_dtypes',
        'protobuf',
      ])
      await run(python, [peer('export_onnx.py'), model, path.join(models, name)], { env: { ...process.env, PYTHONPATH: packages } })
    })
  }
  // Node resolves packages relative to the folder of a program.
  for (const program of ['encode_transformersjs.mjs', 'first_transformersjs.mjs']) fs.copyFileSync(peer(program), path.join(home, program))
  return { home, models, name }
}

/** The versions in the header of the report. */
export const versionsOf = async (python) => JSON.parse((await capture(python, [peer('versions.py')])).stdout)
