// Compares our reader of safetensors headers with the reference reader on generated files: whatever we accept it must accept too.
// usage: SENTORCH_TEST_PYTHON=python node scripts/check-long/safetensors.mjs [COUNT] [SEED]
// With SENTORCH_GOLDEN=FILE the files and the reference's verdicts are written there, for test/unit/format-safetensors-reference.test.ts.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Explained, main } from '../support/console.mjs'
import { inRoot } from '../support/paths.mjs'
import { randomFrom } from '../support/random.mjs'
import { safetensorsCase } from './safetensors-cases.mjs'

/** Reads files, each after its length (4 bytes, little-endian); answers one line of 0 and 1 for each batch of the size given. */
const REFERENCE = `
import struct, sys
from importlib.metadata import version
from safetensors import deserialize
batch, answers = int(sys.argv[1]), ''
print(version('safetensors'), flush=True)
while head := sys.stdin.buffer.read(4):
    data = sys.stdin.buffer.read(struct.unpack('<I', head)[0])
    try:
        deserialize(data)
        answers += '1'
    except Exception:
        answers += '0'
    if len(answers) == batch:
        print(answers, flush=True)
        answers = ''
print(answers, flush=True)
`
const BATCH = 500

const [count = 100_000, seed = 1] = process.argv.slice(2).map(Number)
const require = createRequire(import.meta.url)

function reference(python) {
  const child = spawn(python, ['-c', REFERENCE, String(BATCH)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const failed = new Promise((_, reject) => child.once('error', reject))
  failed.catch(() => {})
  let text = ''
  let wake = () => {}
  child.stdout.setEncoding('utf8').on('data', (part) => {
    text += part
    wake()
  })
  child.once('close', () => wake())
  const line = async () => {
    while (!text.includes('\n')) {
      if (child.exitCode !== null) throw new Explained(`${python} ended with exit code ${child.exitCode}`)
      await Promise.race([new Promise((resolve) => (wake = resolve)), failed])
    }
    const end = text.indexOf('\n')
    const found = text.slice(0, end)
    text = text.slice(end + 1)
    return found
  }
  return { child, line }
}

await main(async () => {
  const python = process.env.SENTORCH_TEST_PYTHON
  if (!python) throw new Explained('SENTORCH_TEST_PYTHON must name a python that has safetensors.')
  const { readSafetensorsHeader } = require(inRoot('dist/format/safetensors.js'))
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sentorch-safetensors-'))
  const file = path.join(folder, 'case.safetensors')
  const { child, line } = reference(python)
  const random = randomFrom(seed)
  const golden = []
  const differences = []
  let accepted = 0
  let sound = 0
  try {
    const version = await line()
    for (let first = 0; first < count; first += BATCH) {
      const cases = Array.from({ length: Math.min(BATCH, count - first) }, () => safetensorsCase(random))
      for (const bytes of cases) {
        const length = Buffer.alloc(4)
        length.writeUInt32LE(bytes.length)
        child.stdin.write(length)
        child.stdin.write(bytes)
      }
      if (cases.length < BATCH) child.stdin.end()
      const verdicts = await line()
      for (const [i, bytes] of cases.entries()) {
        fs.writeFileSync(file, bytes)
        const outcome = await readSafetensorsHeader(file).then(
          () => 'accepted',
          (error) => (error.code === 'ERR_MODEL_FORMAT' ? 'refused' : String(error.stack)),
        )
        const theirs = verdicts[i] === '1'
        if (outcome === 'accepted') accepted++
        if (theirs) sound++
        if ((outcome === 'accepted' && !theirs) || (outcome !== 'accepted' && outcome !== 'refused')) {
          differences.push({ number: first + i, outcome, bytes: bytes.toString('latin1') })
        }
        golden.push({ reference: theirs, file: bytes.toString('base64') })
      }
    }
    if (process.env.SENTORCH_GOLDEN) {
      fs.writeFileSync(process.env.SENTORCH_GOLDEN, `${JSON.stringify({ safetensors: version, seed, cases: golden }, null, 1)}\n`)
    }
    for (const { number, outcome, bytes } of differences.slice(0, 10)) console.error(`case ${number}: ${outcome} ${JSON.stringify(bytes)}`)
    console.log(
      `safetensors ${version}: ${count} files (seed ${seed}), ${accepted} accepted here, ${sound} by the reference, ` +
        `${differences.length} accepted here alone or failed without ERR_MODEL_FORMAT`,
    )
    if (differences.length > 0) process.exitCode = 1
  } finally {
    child.stdin.destroy()
    child.kill()
    fs.rmSync(folder, { recursive: true, force: true })
  }
})
