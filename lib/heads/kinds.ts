import { binary } from './binary'
import { singleLabel } from './classification'
import type { Head, HeadType } from './definition'
import type { CheckpointForm, HeadKind, MetricForm } from './kind'
import { multiLabel } from './multi-label'
import { tokenClassification } from './token-classification'

/** Every kind of head. A definition belongs to the first that has its type and matches it. */
export const HEAD_KINDS: readonly HeadKind[] = [singleLabel, multiLabel, binary, tokenClassification]

export const HEAD_TYPES: readonly HeadType[] = [...new Set(HEAD_KINDS.map(({ type }) => type))]

/** transformers' classes that heads are read from and saved as. */
export const CHECKPOINT_FORMS: readonly CheckpointForm[] = [...new Set(HEAD_KINDS.map(({ checkpoint }) => checkpoint))]

export function kindOf(head: Pick<Head, 'type' | 'labels' | 'multiLabel'>): HeadKind {
  return HEAD_KINDS.find((kind) => kind.type === head.type && kind.matches(head))!
}

/** How checkpoints hold the metrics of heads of a type; undefined: there is no such type. */
export function metricsFormOf(type: string): MetricForm | undefined {
  return HEAD_KINDS.find((kind) => kind.type === type)?.metricsForm
}

/** Measures of heads of a type that may be watched: `loss`, `f1`, `strict.f1` … */
export function measuresOf(type: HeadType): string[] {
  return ['loss', ...measuresIn(metricsFormOf(type)!)]
}

function measuresIn(form: MetricForm): string[] {
  return Object.entries(form).flatMap(([key, value]) => {
    if (typeof value === 'object') return measuresIn(value).map((inner) => `${key}.${inner}`)
    return value === 'measure' ? [key] : []
  })
}
