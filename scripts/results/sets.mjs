// The data sets of docs/results.md, read with sentorch's own readers. bench/peers/train_sets.py reads the same for the reference.
import path from 'node:path'
import { Dataset, readConll, readJointBert, readJson, readRasa } from '../../dist/index.js'

const clinc = (root, split) => readJson(path.join(root, 'clinc150/data_full.json'), { split, text: 0, labels: { intent: 1 } })
const named = async (splits) =>
  Object.fromEntries(await Promise.all(Object.entries(splits).map(async ([name, source]) => [name, await Dataset.from(source, { name })])))

const joint = (folder, splits) => named(Object.fromEntries(splits.map((split) => [split, readJointBert(path.join(folder, split))])))

/** Splits by name; `train` and `test` always exist. */
const SETS = {
  made: (root) => joint(path.join(root, 'made'), ['train', 'test']),
  snips: (root) => joint(path.join(root, 'snips'), ['train', 'dev', 'test']),
  hwu64: (root) =>
    named({ train: readRasa(path.join(root, 'hwu64/train.rasa.json')), test: readRasa(path.join(root, 'hwu64/test.rasa.json')) }),
  // The annotated test file has one tag per word; the other one lists alternatives.
  wnut17: (root) =>
    named({
      train: readConll(path.join(root, 'wnut17/wnut17train.conll')),
      dev: readConll(path.join(root, 'wnut17/emerging.dev.conll')),
      test: readConll(path.join(root, 'wnut17/emerging.test.annotated')),
    }),
  clinc150: (root) =>
    named(Object.fromEntries(['train', 'val', 'test', 'oos_val', 'oos_test'].map((split) => [split, clinc(root, split)]))),
}

export const NAMES = [...Object.keys(SETS), 'mixed']

/** `train` and `test` are data sets, or for `mixed` records of them: SNIPS's tags and CLINC150's intents. */
export async function readSet(name, root) {
  if (name !== 'mixed') return SETS[name](root)
  const [tags, intents] = await Promise.all([SETS.snips(root), SETS.clinc150(root)])
  const withoutIntent = (dataset) =>
    Dataset.from(
      dataset.examples.map(({ labels: { slots }, ...example }) => ({ ...example, labels: { slots } })),
      { name: 'snips' },
    )
  return {
    train: { snips: await withoutIntent(tags.train), clinc150: intents.train },
    test: { snips: await withoutIntent(tags.test), clinc150: intents.test },
  }
}

/** Head → labels of the training data, sorted. */
export function labelsOf(train) {
  const sets = train instanceof Dataset ? [train] : Object.values(train)
  return Object.fromEntries(sets.flatMap((set) => set.heads.map((head) => [head, set.labels(head)])))
}
