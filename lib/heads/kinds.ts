import type { LabelKind } from '../data/labels'
import { binary } from './binary'
import { singleLabel } from './classification'
import type { Head, HeadDefinition, HeadType } from './definition'
import type { CheckpointForm, HeadKind, MetricForm } from './kind'
import { multiLabel } from './multi-label'
import { tokenClassification } from './token-classification'

/** Every kind of head, by type. A head is of the first kind that matches it. */
const KINDS: Readonly<Record<HeadType, readonly HeadKind[]>> = {
  classification: [singleLabel, multiLabel, binary],
  'token-classification': [tokenClassification],
}

export const HEAD_KINDS: readonly HeadKind[] = Object.values(KINDS).flat()

export const HEAD_TYPES = Object.keys(KINDS) as readonly HeadType[]

/** Formats of transformers that heads are read from and saved in. */
export const CHECKPOINT_FORMS: readonly CheckpointForm[] = [...new Set(HEAD_KINDS.flatMap(({ checkpoint }) => checkpoint ?? []))]

export function kindOf(head: Pick<Head, 'type' | 'labels' | 'multiLabel'>): HeadKind {
  return KINDS[head.type].find((kind) => kind.matches(head))!
}

/** The form of the metrics of a head type in checkpoints; undefined for an unknown type. */
export function metricsFormOf(type: string): MetricForm | undefined {
  return Object.hasOwn(KINDS, type) ? KINDS[type as HeadType][0]!.metricsForm : undefined
}

/** The measures of a head type that can be watched: `loss`, `f1`, `strict.f1` … */
export function measuresOf(type: HeadType): string[] {
  return ['loss', ...measuresIn(metricsFormOf(type)!)]
}

function measuresIn(form: MetricForm): string[] {
  return Object.entries(form).flatMap(([key, value]) => {
    if (typeof value === 'object') return measuresIn(value).map((inner) => `${key}.${inner}`)
    return value === 'measure' ? [key] : []
  })
}

type Shape = Pick<HeadDefinition, 'type' | 'multiLabel'>

const SHAPES: Readonly<Record<LabelKind, Shape>> = {
  label: { type: 'classification' },
  'yes or no': { type: 'classification' },
  labels: { type: 'classification', multiLabel: true },
  tags: { type: 'token-classification' },
  spans: { type: 'token-classification' },
}

/** The head that learns labels of a kind. */
export function shapeFor(kind: LabelKind): Shape {
  return SHAPES[kind]
}
