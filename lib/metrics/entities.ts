import { oneOf } from '../base/check'
import { reading } from '../base/arguments'
import { entitiesOf, SCHEMES, type Scheme } from '../tags/schemes'
import {
  checkOptions,
  checkPaired,
  checkTagged,
  scoreLabels,
  zeroDivisionOf,
  type Averages,
  type Convention,
  type Counts,
  type LabelScores,
} from './scores'
import type { Label } from './classification'

export interface EntityReportOptions {
  /** Strict mode: only entities that are well formed in this scheme count. By default the counting is lenient, as in `conlleval`. */
  scheme?: Scheme
  /** Value of a ratio with denominator 0: precision without predictions, recall without entities. 0 or 1. Defaults to 0. */
  zeroDivision?: 0 | 1
}

export interface EntityReport extends Averages {
  /** Scores per entity type, sorted by type. */
  types: LabelScores<string>[]
}

/**
 * Precision, recall and F1 of entities, per type and overall (`micro` is the F1 of the literature). An entity is correct if its type and
 * both boundaries are. Takes one list of tags per sentence with one tag per word; see `entitiesOf` for what counts as an entity.
 * Equal to seqeval 1.2.2: its default mode without a scheme, `mode='strict'` with one. If nothing is tagged at all, the averages are
 * `zeroDivision` instead of NaN. Throws `ERR_INVALID_ARGUMENT` for different numbers of sentences or tags, and for a tag outside the scheme.
 */
export function entityReport(
  gold: readonly (readonly string[])[],
  predicted: readonly (readonly string[])[],
  options: EntityReportOptions = {},
): EntityReport {
  return reading('The arguments of entityReport', () => {
    const { scheme } = checkOptions('entityReport', options, ['scheme', 'zeroDivision'])
    if (scheme !== undefined) oneOf('scheme', scheme, SCHEMES)
    const zeroDivision = zeroDivisionOf(options, [0, 1])
    checkTagged(gold, predicted)

    const there = placesByType(gold, scheme)
    const found = placesByType(predicted, scheme)
    const names = [...new Set([...there.keys(), ...found.keys()])].sort()
    const counts = names.map((label): Counts<string> => {
      const a = there.get(label) ?? new Set()
      const b = found.get(label) ?? new Set()
      return { label, correct: [...a].filter((place) => b.has(place)).length, predicted: b.size, gold: a.size }
    })
    const { labels, ...averages } = scoreLabels(counts, zeroDivision, SEQEVAL)
    return { types: labels, ...averages }
  })
}

function placesByType(sentences: readonly (readonly string[])[], scheme: Scheme | undefined): Map<string, Set<string>> {
  const places = new Map<string, Set<string>>()
  // As in seqeval, one long sequence with an `O` after each sentence. The result differs only for a bare `L` or `U`.
  for (const { label, start, end } of entitiesOf(
    sentences.flatMap((tags) => [...tags, 'O']),
    scheme,
  )) {
    places.set(label, (places.get(label) ?? new Set()).add(`${start}-${end}`))
  }
  return places
}

const SEQEVAL: Convention = {
  // Computed from precision and recall, since their rounding affects the last digit.
  f1: (_counts, precision, recall) => (2 * precision * recall) / (precision + recall || 1),
  unsupported: (predicted, zeroDivision) => {
    const nothing = predicted === 0 ? zeroDivision : 0
    return { precision: nothing, recall: zeroDivision, f1: nothing }
  },
}

/**
 * Share of sentences that are entirely correct: the label of the sentence and the tag of every word (also called semantic frame accuracy or
 * exact match). Item i of each list belongs to sentence i. Throws `ERR_INVALID_ARGUMENT` for different numbers of items or tags.
 */
export function frameAccuracy<L extends Label>(
  goldLabels: ArrayLike<L>,
  predictedLabels: ArrayLike<L>,
  goldTags: readonly (readonly string[])[],
  predictedTags: readonly (readonly string[])[],
): number {
  return reading('The arguments of frameAccuracy', () => {
    checkPaired(goldLabels, predictedLabels, ['gold labels', 'predicted labels'])
    checkPaired(goldLabels, goldTags, ['gold labels', 'gold tags'])
    checkTagged(goldTags, predictedTags)
    const right = goldTags.filter(
      (tags, i) => goldLabels[i] === predictedLabels[i] && tags.every((tag, word) => tag === predictedTags[i]![word]),
    )
    return right.length / goldTags.length
  })
}
