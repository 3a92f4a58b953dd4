// Opens changed folders one after another and uses what opens. A line of JSON before each case and one after it.
// usage: node folders-child.mjs ROOT KIND SEED FROM TO      ROOT: made by folders.mjs
import fs from 'node:fs'
import path from 'node:path'
import { ERROR_CODES, Model, Trainer } from '../../../dist/index.js'
import { randomFrom } from '../../support/random.mjs'
import { CANARY, EXAMPLES } from './folders-base.mjs'
import { changeFolder } from './mutations.mjs'

const [root, kind, seed, from, to] = process.argv.slice(2)
const work = fs.mkdtempSync(path.join(root, `work-${kind}-`))
const say = (line) => fs.writeSync(1, `${JSON.stringify(line)}\n`)
// The kinds get different changes.
const begin = Number(seed) * 1_000_003 + [...kind].reduce((sum, letter) => 31 * sum + letter.charCodeAt(0), 0)
let unhandled
process.on('unhandledRejection', (error) => (unhandled = String(error?.stack ?? error)))

/** What is wrong with an error, or undefined. */
function fault(error) {
  if (error?.name !== 'SentorchError') return `not a SentorchError: ${String(error?.stack ?? error).slice(0, 600)}`
  if (!ERROR_CODES.includes(error.code)) return `unknown code ${error.code}`
  if (error.code === 'ERR_INTERNAL') return `ERR_INTERNAL: ${error.message.slice(0, 300)}`
  if (String(error.stack).includes(CANARY)) return `shows what is in a file outside the folder: ${error.code}`
  return undefined
}

async function use(model) {
  const vectors = await model.encode(['rain in New York', '', 'please play some jazz'])
  const single = await model.encodeQuery('jazz')
  if (![...vectors.data, ...single].every(Number.isFinite)) return 'a vector that is not finite'
  if (model.heads.length > 0) {
    const answers = JSON.stringify(await model.predict(['rain in New York', 'please play some jazz']))
    if (/:null|NaN/.test(answers.replace(/"label":null/g, ''))) return `a prediction that is not finite: ${answers.slice(0, 200)}`
  }
  return undefined
}

/** Loads, uses and saves a model; the saved folder must load again. Returns a description of the fault, or undefined; errors of the library are thrown. */
async function walk(folder) {
  let model
  try {
    if (kind === 'checkpoint') {
      const trainer = await Trainer.resume(folder, { otherData: true })
      model = trainer.model
      await trainer.trainEpoch(EXAMPLES)
    } else model = await Model.load(folder, { threads: 1 })
    const wrong = await use(model)
    if (wrong) return wrong
    const copy = path.join(work, 'copy')
    await model.save(copy, { overwrite: true })
    const again = await Model.load(copy, { threads: 1 }).catch((error) => error)
    if (again instanceof Error) return `saved, but does not load again: ${again.code} ${again.message.slice(0, 300)}`
    await again.dispose()
    return undefined
  } finally {
    await model?.dispose()
  }
}

for (let number = Number(from); number < Number(to); number++) {
  const folder = path.join(work, 'folder')
  fs.rmSync(folder, { recursive: true, force: true })
  fs.cpSync(path.join(root, kind), folder, { recursive: true })
  const what = changeFolder(folder, path.join(root, 'secret.txt'), randomFrom(begin + number))
  say({ number, what })
  unhandled = undefined
  const began = performance.now()
  let outcome = 'opened'
  let wrong
  try {
    wrong = await walk(folder)
  } catch (error) {
    outcome = error?.code ?? 'untyped'
    wrong = fault(error)
  }
  if (unhandled) wrong = `unhandled rejection: ${unhandled.slice(0, 600)}`
  say({ number, what, outcome, wrong, milliseconds: Math.round(performance.now() - began), peakMB: process.resourceUsage().maxRSS >> 10 })
}
fs.rmSync(work, { recursive: true, force: true })
