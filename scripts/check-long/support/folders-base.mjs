// The sound folders that folders.mjs changes: small models of every family, old tokenizers, heads, a checkpoint.
import fs from 'node:fs'
import path from 'node:path'
import { Dataset, Model } from '../../../dist/index.js'
import { inRoot } from '../../support/paths.mjs'

/** Content of a file outside the folders: nothing may show it. */
export const CANARY = 'canary-5f1c'

export const EXAMPLES = [
  { text: 'rain in New York', labels: { intent: 'weather', slots: [{ start: 8, end: 16, label: 'city' }] } },
  { text: 'play some jazz', labels: { intent: 'music', slots: [] } },
  { text: 'is it cold in Paris today', labels: { intent: 'weather', slots: [{ start: 14, end: 19, label: 'city' }] } },
]

const fixture = (...parts) => inRoot('test/fixtures', ...parts)

/** Lays the folders below `root`, one per kind; returns the kinds. */
export async function makeFolders(root) {
  fs.writeFileSync(path.join(root, 'secret.txt'), `${CANARY}\n`.repeat(50))
  const families = fs.readdirSync(fixture('models'))
  for (const family of families) fs.cpSync(fixture('models', family), path.join(root, family), { recursive: true })
  for (const family of ['bert', 'roberta']) {
    const folder = path.join(root, `${family}-old`)
    fs.cpSync(fixture('models', family), folder, { recursive: true })
    fs.rmSync(path.join(folder, 'tokenizer.json'))
    fs.cpSync(fixture('tokenizers', `${family}-old`), folder, { recursive: true })
  }
  const model = (await Model.load(fixture('models/bert'), { threads: 1 }))
    .addHead({ name: 'intent', type: 'classification', labels: ['music', 'weather'], hidden: [8] })
    .addHead({ name: 'slots', type: 'token-classification', labels: ['B-city', 'I-city', 'O'] })
  await model.save(path.join(root, 'heads'))
  const trainer = model.trainer({ batchSize: 2, schedule: 'constant' })
  await trainer.trainEpoch(await Dataset.from(EXAMPLES))
  await trainer.saveCheckpoint(path.join(root, 'checkpoint'))
  await model.dispose()
  return [...families, 'bert-old', 'roberta-old', 'heads', 'checkpoint']
}
