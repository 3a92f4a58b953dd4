import { schemeOfLabels, type Scheme } from '../../tags/schemes'
import { isIndependent, type Head } from '../../heads/definition'
import { classificationReport, entityReport, frameAccuracy, multiLabelReport, type LabelScores } from '../../metrics'
import type { HeadOutcome } from './outcomes'

/** How one head did. All shares are in 0..1; `examples` are those with a label for the head. */
export type HeadMetrics =
  | {
      type: 'classification'
      /** Absent where no example has a label that the head knows. */
      loss?: number
      examples: number
      /** Multi-label: share of examples whose labels are all right. */
      accuracy: number
      microF1: number
      macroF1: number
      labels: LabelScores<string>[]
    }
  | {
      type: 'token-classification'
      /** Absent where no word has a tag that the head knows. */
      loss?: number
      examples: number
      /** Share of words whose tag is right. */
      accuracy: number
      /** Precision, recall and F1 of entities over all words, as conlleval counts them; BILOU by its scheme, which conlleval does not know. */
      precision: number
      recall: number
      f1: number
      /** Only entities that are well formed in the scheme of the head's labels; absent where these have none. */
      strict?: { scheme: Scheme; precision: number; recall: number; f1: number }
      /** Per type of entity. */
      types: LabelScores<string>[]
    }

export function headMetrics(head: Head, outcome: HeadOutcome, loss: number | undefined): HeadMetrics {
  const shared = { ...(loss !== undefined && { loss }), examples: outcome.examples.length }
  switch (outcome.type) {
    case 'classification': {
      const { accuracy, micro, macro, labels } = classificationReport(outcome.gold, outcome.predicted)
      return { type: 'classification', ...shared, accuracy, microF1: micro.f1, macroF1: macro.f1, labels }
    }
    case 'multi-label': {
      const known = [...new Set([...head.labels, ...outcome.gold.flat()])]
      const { exactMatch, micro, macro, labels } = multiLabelReport(outcome.gold, outcome.predicted, { labels: known })
      return { type: 'classification', ...shared, accuracy: exactMatch, microF1: micro.f1, macroF1: macro.f1, labels }
    }
    case 'token-classification': {
      const { gold, predicted } = outcome
      const scheme = schemeOfLabels([...new Set([...head.labels, ...gold.flat()])])
      const { types, micro } = entityReport(gold, predicted, scheme === 'BILOU' ? { scheme } : {})
      const strict = scheme && entityReport(gold, predicted, { scheme }).micro
      return {
        type: 'token-classification',
        ...shared,
        accuracy: wordAccuracy(gold, predicted),
        precision: micro.precision,
        recall: micro.recall,
        f1: micro.f1,
        ...(strict && { strict: { scheme, precision: strict.precision, recall: strict.recall, f1: strict.f1 } }),
        types,
      }
    }
  }
}

function wordAccuracy(gold: readonly (readonly string[])[], predicted: readonly (readonly string[])[]): number {
  let [right, words] = [0, 0]
  gold.forEach((tags, i) => {
    words += tags.length
    tags.forEach((tag, word) => (right += Number(tag === predicted[i]![word])))
  })
  return words === 0 ? 0 : right / words
}

/** The one number that stands for a head in the score: accuracy, F1 of entities, micro F1 where labels are independent. */
export function mainMeasure(head: Head, metrics: HeadMetrics): number {
  if (metrics.type === 'token-classification') return metrics.f1
  return isIndependent(head) && head.labels.length > 1 ? metrics.microF1 : metrics.accuracy
}

/**
 * Share of examples with everything right: every label that any head has for them, and every tag. Taken over the examples that have labels
 * of both kinds; undefined where there are none.
 */
export function frameAccuracyOf(outcomes: readonly HeadOutcome[]): number | undefined {
  const frames = new Map<number, { classes: [string, string][]; tags: [string[], string[]][] }>()
  for (const outcome of outcomes) {
    outcome.examples.forEach((example, i) => {
      const frame = frames.get(example) ?? { classes: [], tags: [] }
      frames.set(example, frame)
      if (outcome.type === 'token-classification') frame.tags.push([outcome.gold[i]!, outcome.predicted[i]!])
      else frame.classes.push([nameOf(outcome.gold[i]!), nameOf(outcome.predicted[i]!)])
    })
  }
  const whole = [...frames.values()].filter(({ classes, tags }) => classes.length > 0 && tags.length > 0)
  if (whole.length === 0) return undefined
  return frameAccuracy(
    whole.map(({ classes }) => JSON.stringify(classes.map(([gold]) => gold))),
    whole.map(({ classes }) => JSON.stringify(classes.map(([, predicted]) => predicted))),
    whole.map(({ tags }) => tags.flatMap(([gold]) => gold)),
    whole.map(({ tags }) => tags.flatMap(([, predicted]) => predicted)),
  )
}

function nameOf(labels: string | readonly string[]): string {
  return typeof labels === 'string' ? labels : JSON.stringify([...labels].sort())
}
