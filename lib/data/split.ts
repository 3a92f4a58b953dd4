import { integerIn, invalid, stringOf } from '../base/check'
import { takeOptions } from '../base/snapshot'
import { keysOf, refusal } from '../base/option-checks'
import { permutation, randomKey } from '../base/shuffle'
import type { Example, NamedExamples } from './example'
import { distinctLabels, labelKind, labelOf, requireHead } from './labels'

export interface SplitOptions {
  /** Two parts, `train` and `test`: the share of `test` (above 0, below 1), or the number of its examples. */
  test?: number
  /** Parts by name, each a share of the whole in any unit: `{ train: 8, dev: 1, test: 1 }`. Instead of `test`. */
  sizes?: Readonly<Record<string, number>>
  /** 0..2^32−1. Defaults to 0. */
  seed?: number
  /**
   * Name of a head whose labels every part gets in equal shares, as nearly as whole examples allow: of several labels or entities in one
   * example, their set counts. Defaults to none.
   */
  stratify?: string
}

/** The examples of each part, in the order of the data set. */
export function splitExamples(dataset: NamedExamples, options: SplitOptions): Record<string, Example[]> {
  options = takeOptions('split', options, keysOf<SplitOptions>({ test: 1, sizes: 1, seed: 1, stratify: 1 }))
  const { seed = 0, stratify } = options
  const { names, counts } = partsOf(dataset, options)
  const order = permutation(dataset.examples.length, randomKey(integerIn('seed', seed, 0, 2 ** 32 - 1)))
  const dealt = stratify === undefined ? order : inStrata(dataset, order, stringOf('stratify', stratify))
  const partOf = deal(dealt, counts)
  return Object.fromEntries(names.map((name, part) => [name, dataset.examples.filter((_, i) => partOf[i] === part)]))
}

function partsOf(dataset: NamedExamples, { test, sizes }: SplitOptions): { names: string[]; counts: number[] } {
  if ((test === undefined) === (sizes === undefined)) throw refusal(`split takes either 'test' or 'sizes'.`)
  const total = dataset.examples.length
  if (test !== undefined) {
    if (typeof test !== 'number' || !(test > 0) || (test >= 1 && !Number.isInteger(test))) {
      throw invalid('test', 'a share above 0 and below 1, or a number of examples', test)
    }
    const count = test < 1 ? Math.round(test * total) : test
    return checked(dataset, ['train', 'test'], [total - count, count])
  }
  if (typeof sizes !== 'object' || sizes === null) throw invalid('sizes', 'an object of shares by name', sizes)
  const names = Object.keys(sizes)
  const shares = names.map((name) => {
    const share: unknown = sizes[name]
    if (typeof share !== 'number' || !(share > 0) || share === Infinity) throw invalid(`sizes.${name}`, 'a number above 0', share)
    return share
  })
  if (names.length === 0) throw invalid('sizes', 'at least one part', sizes)
  return checked(dataset, names, apportion(total, shares))
}

function checked(dataset: NamedExamples, names: string[], counts: number[]): { names: string[]; counts: number[] } {
  const empty = counts.findIndex((count) => count < 1)
  if (empty >= 0)
    throw refusal(`The part '${names[empty]}' of '${dataset.name}' (${dataset.examples.length} examples) would have no example.`)
  return { names, counts }
}

/** Whole numbers in the proportion of the shares, together `total`: what rounding down leaves goes to the largest remainders. */
function apportion(total: number, shares: readonly number[]): number[] {
  const sum = shares.reduce((a, b) => a + b, 0)
  const exact = shares.map((share) => (total * share) / sum)
  const counts = exact.map(Math.floor)
  const byRemainder = exact.map((_, i) => i).sort((a, b) => exact[b]! - counts[b]! - (exact[a]! - counts[a]!))
  let left = total - counts.reduce((a, b) => a + b, 0)
  for (const i of byRemainder) if (left-- > 0) counts[i]!++
  return counts
}

/** The same order, sorted by what the examples say for a head. */
function inStrata(dataset: NamedExamples, order: Int32Array, head: string): Int32Array {
  requireHead(dataset, head)
  const kind = labelKind(dataset, head)
  const strata = new Map<string, number[]>()
  for (const index of order) {
    const value = labelOf(dataset.examples[index]!, head)
    const key = value === undefined ? '' : JSON.stringify(distinctLabels(value, kind))
    const stratum = strata.get(key)
    if (stratum) stratum.push(index)
    else strata.set(key, [index])
  }
  return Int32Array.from([...strata.keys()].sort().flatMap((key) => strata.get(key)!))
}

/**
 * Goes through the order and gives each example to the part that is furthest behind its share, so that every stretch is shared out evenly.
 * No part gets more than its count: what all are behind by is together one example, so one part at least is behind its share so far.
 */
function deal(order: Int32Array, counts: readonly number[]): Int32Array {
  const partOf = new Int32Array(order.length)
  const given = counts.map(() => 0)
  order.forEach((index, i) => {
    let part = 0
    let most = -Infinity
    counts.forEach((count, candidate) => {
      const behind = (count * (i + 1)) / order.length - given[candidate]!
      if (behind > most) [part, most] = [candidate, behind]
    })
    given[part]!++
    partOf[index] = part
  })
  return partOf
}
