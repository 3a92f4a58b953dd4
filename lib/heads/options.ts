import { types } from 'node:util'
import { booleanOf, describe, integerIn, invalid, oneOf, stringOf } from '../base/check'
import { keysOf, refusal, snapshot, takeOptions } from '../base/arguments'
import { poolingNames } from '../pooling/poolings'
import type { Head, HeadDefinition } from './definition'
import { HEAD_TYPES, kindOf } from './kinds'

export const HEAD_ACTIVATIONS = ['relu', 'gelu', 'tanh'] as const

/** Other keys of a prediction, and the one name that cannot be the key of a plain object. */
const RESERVED: readonly string[] = ['embedding', 'text', '__proto__']

const MAX_NAME = 64
const MAX_LABELS = 65_536
const MAX_HIDDEN_LAYERS = 16
const MAX_HIDDEN_SIZE = 65_536
const MAX_SEED = 2 ** 32 - 1

const HEAD_KEYS = keysOf<HeadDefinition>({
  name: 1,
  type: 1,
  labels: 1,
  hidden: 1,
  activation: 1,
  inputDropout: 1,
  dropout: 1,
  pooling: 1,
  multiLabel: 1,
  seed: 1,
})

/** Checks the definition of a head and fills in what is not given. The head is a frozen copy. */
export function resolveHead(definition: HeadDefinition): { head: Head; seed: number } {
  definition = takeOptions('addHead', definition, HEAD_KEYS)
  // 0.1 as in BERT's and RoBERTa's own classifiers; ReLU as usual for an MLP; seed 0 so that the same program creates the same head again.
  const { hidden = [], activation = 'relu', inputDropout = 0.1, dropout = 0.1, multiLabel = false, seed = 0 } = definition
  const name = headName(definition.name)
  const type = oneOf('type', definition.type, HEAD_TYPES)
  const head: Head = Object.freeze({
    name,
    type,
    labels: checkedLabels(definition.labels),
    hidden: hiddenOf(hidden),
    activation: oneOf('activation', activation, HEAD_ACTIVATIONS),
    inputDropout: rateOf('inputDropout', inputDropout),
    dropout: rateOf('dropout', dropout),
    pooling: definition.pooling === undefined ? undefined : Object.freeze(poolingNames(definition.pooling)),
    multiLabel: booleanOf('multiLabel', multiLabel),
  })
  kindOf(head).checkDefinition(head)
  return { head, seed: seedOf(seed) }
}

/** Checks the labels that `extendHead` adds. */
export function resolveExtension(
  head: Head,
  labels: readonly string[],
  options: { seed?: number } = {},
): { labels: readonly string[]; seed: number } {
  options = takeOptions('extendHead', options, ['seed'])
  kindOf(head).checkExtension(head)
  if (typeof labels === 'number') throw invalid('labels', 'an array of strings', labels)
  const added = checkedLabels(snapshot("'labels'", labels))
  const double = added.find((label) => head.labels.includes(label))
  if (double !== undefined) throw refusal(`Head '${head.name}' already has the label ${describe(double)}. Pass only new labels.`)
  integerIn('the number of labels', head.labels.length + added.length, 1, MAX_LABELS)
  return { labels: added, seed: seedOf(options.seed ?? 0) }
}

function headName(name: unknown): string {
  if (!/^[A-Za-z0-9_-]+$/.test(stringOf('name', name))) throw invalid('name', 'letters, digits, _ and -', name)
  if ((name as string).length > MAX_NAME) throw invalid('name', `at most ${MAX_NAME} characters`, name)
  if (RESERVED.includes(name as string)) {
    throw refusal(
      `A head cannot be called '${name as string}': that name is reserved. Use another one, such as '${(name as string).replace(/_/g, '')}-head'.`,
    )
  }
  return name as string
}

/** The labels of a definition; those of n classes are '0' to the digits of n − 1. */
export function labelNames(labels: HeadDefinition['labels']): readonly string[] {
  return typeof labels === 'number' ? Array.from({ length: labels }, (_, i) => String(i)) : labels
}

function checkedLabels(labels: unknown): readonly string[] {
  if (typeof labels === 'number') return Object.freeze(labelNames(integerIn('labels', labels, 2, MAX_LABELS)))
  if (!Array.isArray(labels)) throw invalid('labels', 'an array of strings or the number of classes', labels)
  if (labels.length === 0) throw invalid('labels', 'at least one label', labels)
  if (labels.length > MAX_LABELS) throw invalid('labels', `at most ${MAX_LABELS} labels`, labels)
  const seen = new Set<unknown>()
  for (const [i, label] of (labels as unknown[]).entries()) {
    if (typeof label !== 'string' || label === '') throw invalid(`labels[${i}]`, 'a non-empty string', label)
    if (!label.isWellFormed()) throw invalid(`labels[${i}]`, 'a string without lone surrogates', label)
    if (seen.has(label)) throw refusal(`The label ${describe(label)} appears twice (labels[${i}]): labels must be distinct.`)
    seen.add(label)
  }
  return Object.freeze([...(labels as string[])])
}

function hiddenOf(hidden: unknown): readonly number[] {
  if (!Array.isArray(hidden) && !types.isTypedArray(hidden)) throw invalid('hidden', 'an array of layer sizes', hidden)
  const sizes = Array.from(hidden as ArrayLike<unknown>)
  if (sizes.length > MAX_HIDDEN_LAYERS) throw invalid('hidden', `at most ${MAX_HIDDEN_LAYERS} layers`, sizes)
  return Object.freeze(sizes.map((size, i) => integerIn(`hidden[${i}]`, size, 1, MAX_HIDDEN_SIZE)))
}

function rateOf(name: string, rate: unknown): number {
  if (typeof rate !== 'number' || !(rate >= 0 && rate < 1)) throw invalid(name, 'a number of at least 0 and below 1', rate)
  return rate
}

function seedOf(seed: unknown): number {
  return integerIn('seed', seed, 0, MAX_SEED)
}
