// The texts of the benchmark: generated (the same on every machine), or SNIPS from `--data DIR`.
import fs from 'node:fs'
import path from 'node:path'
import { Explained } from '../scripts/support/console.mjs'
import { passages, utterances } from './made/utterances.mjs'

const SHORT = 2048
const LONG = 512

/**
 * Writes `short.json` and `long.json` below `folder`. Returns these files, the training folder in JointBERT's layout, and a description of the texts.
 * `data`: a folder that contains `snips/`; without it the texts are generated.
 */
export function prepareTexts(folder, { data } = {}) {
  const joint = data ? path.join(data, 'snips') : path.join(makeJoint(folder), 'made')
  const file = path.join(joint, 'train/seq.in')
  if (!fs.existsSync(file)) throw new Explained(`--data must be a folder that contains snips/train/seq.in, but ${file} does not exist.`)
  const sentences = fs
    .readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.trim().replace(/\s+/g, ' '))
  const files = { short: path.join(folder, 'short.json'), long: path.join(folder, 'long.json') }
  fs.mkdirSync(folder, { recursive: true })
  fs.writeFileSync(files.short, JSON.stringify(sentences.slice(0, SHORT)))
  fs.writeFileSync(files.long, JSON.stringify(passages(LONG, sentences, 3)))
  return { ...files, joint, about: data ? 'SNIPS' : 'texts made by the benchmark' }
}

/** Writes 8,000 training and 1,000 test sentences with intents and slots to `<folder>/made`. Returns `folder`. */
export function makeJoint(folder) {
  const train = utterances(8000, 1)
  const test = utterances(1000, 2, new Set(train.map(({ words }) => words.join(' ').toLowerCase())))
  for (const [split, examples] of Object.entries({ train, test })) {
    const columns = {
      'seq.in': examples.map(({ words }) => words.join(' ')),
      'seq.out': examples.map(({ tags }) => tags.join(' ')),
      label: examples.map(({ intent }) => intent),
    }
    const place = path.join(folder, 'made', split)
    fs.mkdirSync(place, { recursive: true })
    for (const [name, lines] of Object.entries(columns)) fs.writeFileSync(path.join(place, name), `${lines.join('\n')}\n`)
  }
  return folder
}
