// Writes a trained model as the bundled one: the weights as float16, and a manifest. The card is written by scripts/mini/card.mjs.
// usage: node scripts/mini/pack.mjs [--model DIR] [--out DIR] [--target DIR]      (default: OUT/heads into models/mini)
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { main, note } from '../support/console.mjs'
import { toFloat16 } from '../support/float16.mjs'
import { inRoot } from '../support/paths.mjs'
import { optionsOf } from './options.mjs'

const require = createRequire(import.meta.url)
const MANIFEST = 'sentorch-manifest.json'

export async function pack({ out, model = path.join(out, 'heads'), target = inRoot('models/mini') }) {
  fs.rmSync(target, { recursive: true, force: true })
  for (const name of filesIn(model)) {
    const to = path.join(target, name)
    fs.mkdirSync(path.dirname(to), { recursive: true })
    if (name === MANIFEST || name === 'README.md') continue
    if (name.endsWith('.safetensors')) await writeHalves(path.join(model, name), to)
    else fs.copyFileSync(path.join(model, name), to)
  }
  computeInFloat32(path.join(target, 'config.json'))
  writeManifest(target)
  const bytes = filesIn(target).reduce((sum, name) => sum + fs.statSync(path.join(target, name)).size, 0)
  note(`${target}: ${(bytes / 1e6).toFixed(2)} MB`)
}

/** transformers would otherwise compute in the precision of the file. */
function computeInFloat32(file) {
  const config = JSON.parse(fs.readFileSync(file, 'utf8'))
  fs.writeFileSync(file, `${JSON.stringify({ ...config, dtype: 'float32' }, null, 2)}\n`)
}

/** Sizes and hashes of all files, as `model.save` writes them. */
export function writeManifest(folder) {
  const files = filesIn(folder).filter((name) => name !== MANIFEST)
  const entries = files.map((name) => {
    const bytes = fs.readFileSync(path.join(folder, name))
    return [name, { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }]
  })
  fs.writeFileSync(path.join(folder, MANIFEST), `${JSON.stringify({ format: 1, files: Object.fromEntries(entries) }, null, 2)}\n`)
}

async function writeHalves(from, to) {
  const { readSafetensorsHeader } = require(inRoot('dist/format/safetensors.js'))
  const { tensors } = await readSafetensorsHeader(from)
  const bytes = fs.readFileSync(from)
  const header = { __metadata__: { format: 'pt' } }
  const parts = []
  let at = 0
  for (const [name, { dtype, shape, offset }] of tensors) {
    if (dtype !== 'F32') throw new Error(`${from}: ${name} is ${dtype}, expected F32`)
    const count = shape.reduce((product, size) => product * size, 1)
    const halves = toFloat16(new Float32Array(Uint8Array.from(bytes.subarray(offset, offset + 4 * count)).buffer))
    parts.push(Buffer.from(halves.buffer))
    header[name] = { dtype: 'F16', shape, data_offsets: [at, at + 2 * count] }
    at += 2 * count
  }
  const json = Buffer.from(JSON.stringify(header))
  const padded = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, ' ')])
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(padded.length))
  fs.writeFileSync(to, Buffer.concat([length, padded, ...parts]))
}

/** Paths of all files below a folder, sorted. */
export function filesIn(folder) {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'))
    .sort()
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main(() => pack(optionsOf()))
