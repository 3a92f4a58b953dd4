import type { Model } from '../api/model'
import { knownKeys } from '../base/check'
import type { Dataset } from '../data/dataset'
import { sortedLabels, labelKind } from '../data/labels'
import type { HeadDefinition } from '../heads/definition'
import { shapeFor } from '../heads/kinds'
import { labelNames } from '../heads/options'

type Shapes = Readonly<Record<string, Record<string, unknown>>>

/**
 * The heads that the labels of the data need. `shapes`: options of `addHead` by name, which replace what is derived. Throws
 * ERR_INVALID_ARGUMENT if it names a head without labels.
 */
export function headsOf(sets: readonly Dataset[], shapes: Shapes = {}): HeadDefinition[] {
  const names = [...new Set(sets.flatMap(({ heads }) => heads))]
  knownKeys('--head', shapes, names)
  return names.map((name) => {
    const labelled = sets.filter(({ heads }) => heads.includes(name))
    const labels = sortedLabels(new Set(labelled.flatMap((set) => set.labels(name))))
    return { name, labels, ...shapeFor(labelKind(labelled[0]!, name)), ...shapes[name] }
  })
}

/** Adds the heads that the model lacks, and to those that it has, the labels that they lack. */
export function prepareHeads(model: Model, heads: readonly HeadDefinition[]): void {
  for (const head of heads) {
    const known = model.heads.find(({ name }) => name === head.name)
    if (known === undefined) {
      model.addHead(head)
      continue
    }
    const added = labelNames(head.labels).filter((label) => !known.labels.includes(label))
    if (added.length > 0) model.extendHead(head.name, added)
  }
}
