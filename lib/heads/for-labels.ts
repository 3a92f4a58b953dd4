import type { LabelKind } from '../data/labels'
import type { HeadDefinition } from './definition'

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
