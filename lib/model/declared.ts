import { refusal } from '../base/arguments'
import { describe, invalid } from '../base/check'
import { SentorchError } from '../base/errors'
import type { Head } from '../heads/definition'
import { kindOf } from '../heads/kinds'
import { resolveHead } from '../heads/options'

/** Checks the option `heads` of `Model.load`: definitions as `addHead` takes them, in a list or by name. */
export function declaredHeads(given: unknown): readonly Head[] {
  if (typeof given !== 'object' || given === null) throw invalid('heads', 'a list of definitions, or definitions by name', given)
  const definitions: [string, unknown][] = Array.isArray(given)
    ? given.map((each: unknown, i) => [`heads[${i}]`, each])
    : Object.entries(given).map(([name, each]) => [`heads.${name}`, named(name, each)])
  const heads = definitions.map(([where, each]) => {
    if (typeof each !== 'object' || each === null) throw invalid(where, 'the definition of a head', each)
    return resolveHead(each as Head).head
  })
  const double = heads.find(({ name }, i) => heads.findIndex((head) => head.name === name) < i)
  if (double) throw refusal(`'heads' declares two heads with the name '${double.name}'.`)
  return heads
}

function named(name: string, definition: unknown): unknown {
  if (typeof definition !== 'object' || definition === null) return definition
  const own = (definition as { name?: unknown }).name
  if (own !== undefined && own !== name) throw refusal(`'heads' declares the head ${describe(own)} under the name '${name}'.`)
  return { ...definition, name }
}

/** ERR_MODEL_MISMATCH, with all differences, unless the model has each declared head with its kind and its labels in their order. */
export function refuseOtherHeads(declared: readonly Head[], stored: readonly Head[], folder: string): void {
  const differences = declared.flatMap((head) => {
    const found = stored.find(({ name }) => name === head.name)
    const difference = found ? differenceOf(head, found) : `the model has no head of that name; ${listed(stored)}`
    return difference === undefined ? [] : [`${head.name}: ${difference}`]
  })
  if (differences.length === 0) return
  throw new SentorchError(
    'ERR_MODEL_MISMATCH',
    `The model in ${folder} does not have the heads that 'heads' declares:\n  ${differences.join('\n  ')}`,
    { detail: { folder, differences } },
  )
}

function differenceOf(declared: Head, stored: Head): string | undefined {
  const [before, now] = [kindOf(declared).name, kindOf(stored).name]
  if (before !== now) return `declared as a ${before} head, but it is a ${now} head`
  const lacking = declared.labels.filter((label) => !stored.labels.includes(label))
  const more = stored.labels.filter((label) => !declared.labels.includes(label))
  const parts = [
    lacking.length > 0 ? `it does not have the ${labelsOf(lacking)}` : undefined,
    more.length > 0 ? `it also has the ${labelsOf(more)}` : undefined,
  ].filter((part) => part !== undefined)
  if (parts.length > 0) return parts.join(', and ')
  const at = declared.labels.findIndex((label, i) => label !== stored.labels[i])
  return at < 0 ? undefined : `its labels have another order: ${describe(stored.labels[at])} is at ${at}, where ${describe(declared.labels[at])} is declared` // prettier-ignore
}

function labelsOf(labels: readonly string[]): string {
  const some = labels.slice(0, 8).map((label) => describe(label)).join(', ') // prettier-ignore
  return labels.length > 8 ? `${labels.length} labels ${some} …` : `label${labels.length === 1 ? '' : 's'} ${some}`
}

function listed(heads: readonly Head[]): string {
  return heads.length === 0 ? 'it has none' : `it has ${heads.map(({ name }) => name).join(', ')}`
}
