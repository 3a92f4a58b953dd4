// Writes the small sample of SNIPS in examples/data: 30 sentences of each intent for training, from its training split, and 10 for evaluation,
// from its development split.
// usage: node scripts/mini/sample.mjs [--data DIR]
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { main, note } from '../support/console.mjs'
import { inRoot } from '../support/paths.mjs'
import { randomFrom } from '../support/random.mjs'
import { optionsOf } from './options.mjs'

const SIZES = { train: 30, dev: 10 }

await main(async () => {
  const { data } = optionsOf()
  const { Dataset, readJointBert } = createRequire(import.meta.url)(inRoot('dist/index.js'))
  fs.mkdirSync(inRoot('examples/data'), { recursive: true })
  for (const [split, size] of Object.entries(SIZES)) {
    const { examples } = await Dataset.from(readJointBert(path.join(data, 'snips', split)), { name: split })
    const random = randomFrom(1)
    const intents = [...new Set(examples.map(({ labels }) => labels.intent))].sort()
    const chosen = intents.flatMap((intent) => {
      const group = examples.filter(({ labels }) => labels.intent === intent)
      return Array.from({ length: size }, () => group.splice(random.below(group.length), 1)[0])
    })
    const file = inRoot(`examples/data/snips-${split}.jsonl`)
    fs.writeFileSync(file, chosen.map((example) => `${JSON.stringify(example)}\n`).join(''))
    note(`${file}: ${chosen.length} sentences`)
  }
})
