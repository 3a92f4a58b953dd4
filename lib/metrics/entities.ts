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
  /** Strict: only entities that are well formed in this scheme count. Defaults to none: lenient, as `conlleval` counts. */
  scheme?: Scheme
  /** What a ratio without a denominator is: precision without predictions, recall without entities. 0 or 1. Defaults to 0. */
  zeroDivision?: 0 | 1
}

export interface EntityReport extends Averages {
  /** Per type of entity, sorted. */
  types: LabelScores<string>[]
}

/**
 * Precision, recall and F1 of entities, per type and overall (`micro` is the F1 of the literature). An entity is right when its type and
 * both its borders are. One list of tags a sentence, one tag a word; `entitiesOf` says what is read as an entity.
 * Equal to seqeval 1.2.2: its default without a scheme, `mode='strict'` with one; where nothing is tagged at all, the averages are
 * `zeroDivision` instead of NaN. Sentences or tags that differ in number, a tag that is none of the scheme: `ERR_INVALID_ARGUMENT`.
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
  // One long sequence with an `O` after each sentence, as seqeval does: it tells no difference but for a bare `L` or `U`.
  for (const { label, start, end } of entitiesOf(
    sentences.flatMap((tags) => [...tags, 'O']),
    scheme,
  )) {
    places.set(label, (places.get(label) ?? new Set()).add(`${start}-${end}`))
  }
  return places
}

const SEQEVAL: Convention = {
  // Through precision and recall, whose rounding shows in the last digit.
  f1: (_counts, precision, recall) => (2 * precision * recall) / (precision + recall || 1),
  unsupported: (predicted, zeroDivision) => {
    const nothing = predicted === 0 ? zeroDivision : 0
    return { precision: nothing, recall: zeroDivision, f1: nothing }
  },
}

/**
 * Share of sentences with everything right: the label of the sentence and the tag of every word (also called semantic frame or exact-match
 * accuracy). Item i of each list is sentence i. Lists or tags that differ in number: `ERR_INVALID_ARGUMENT`.
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
