import type { ResolvedJson } from './options'
import type { LabelValue } from '../example'
import { setLabel } from '../labels'
import type { Fail } from './source'
import { labelsIn } from './values'

/** A list of categories as the label of the sentence head: the one of them, none at all, or with `multiLabel` the list. */
export function setCategory(
  labels: Record<string, LabelValue>,
  list: readonly unknown[],
  name: string,
  { heads, multiLabel }: ResolvedJson,
  fail: Fail,
): void {
  if (heads.sentence === false) return
  const categories = labelsIn(list, name, fail)
  if (multiLabel) setLabel(labels, heads.sentence, categories)
  else if (categories.length > 1) throw fail(`There are ${categories.length} categories in ${name}. Set multiLabel: true to keep them all.`)
  else if (categories.length === 1) setLabel(labels, heads.sentence, categories[0]!)
}
