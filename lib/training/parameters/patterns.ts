import { types } from 'node:util'
import type { ParameterInfo } from '../../../binding'
import { isPlain, refusal } from '../../base/arguments'
import { describe, invalid } from '../../base/check'

/** Whether a parameter's name matches: a glob must match the whole name, a RegExp any part of it (regardless of its flags and `lastIndex`). */
export function matches(name: string, pattern: ResolvedPattern): boolean {
  if (typeof pattern === 'string') return fitsGlob(name, pattern)
  return pattern instanceof MatchedNames ? pattern.names.has(name) : name.search(pattern) >= 0
}

/** Each part between two stars is matched at its first position after the previous part, so the time is at most proportional to name · glob. */
function fitsGlob(name: string, glob: string): boolean {
  const [first, ...parts] = glob.split('*') as [string, ...string[]]
  const last = parts.pop()
  if (last === undefined) return name === glob
  const end = name.length - last.length
  if (!name.startsWith(first) || !name.endsWith(last) || first.length > end) return false
  let at = first.length
  for (const part of parts) {
    const found = name.indexOf(part, at)
    if (found < 0 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}

/** The patterns as messages and tables show them. */
export function patternText(patterns: readonly ResolvedPattern[]): string {
  return patterns.map(String).join(' | ')
}

/**
 * Indices of the parameters that any of the patterns matches. Uncertainty parameters belong to the loss, not to the model, so no pattern matches
 * them. A pattern that matches nothing is refused, and the message lists a few existing names; `where` is the option that contains it.
 */
export function matching(parameters: readonly ParameterInfo[], patterns: readonly ResolvedPattern[], where: string): Set<number> {
  const found = new Set<number>()
  for (const pattern of patterns) {
    if (pattern instanceof MatchedNames) refuseOthers(parameters, pattern, where)
    let count = 0
    parameters.forEach(({ name, part }, i) => {
      if (part === 'uncertainty' || !matches(name, pattern)) return
      found.add(i)
      count++
    })
    if (count === 0) {
      const names = parameters.filter(({ part }) => part !== 'uncertainty').map(({ name }) => name)
      const some = [...names.slice(0, 3), '…', ...names.slice(-2)]
      throw refusal(`The pattern ${String(pattern)} of ${where} does not match any parameter. Some of the names: ${some.join(', ')}.`)
    }
  }
  return found
}

function refuseOthers(parameters: readonly ParameterInfo[], { pattern, names }: MatchedNames, where: string): void {
  const known = new Set(parameters.map(({ name }) => name))
  const other = [...names].find((name) => !known.has(name))
  if (other !== undefined) throw refusal(`The pattern ${pattern} of ${where} matched ${describe(other)}, which the model does not have.`)
}

/**
 * Matches names of parameters: a glob must match the whole name, and its `*` matches any sequence of characters, including dots; a RegExp may
 * match anywhere in the name.
 */
export type NamePattern = string | RegExp

/** The names that a RegExp matched when a checkpoint was written. */
export class MatchedNames {
  constructor(
    /** The expression as text, for messages and comparisons. */
    readonly pattern: string,
    readonly names: ReadonlySet<string>,
  ) {}

  toString(): string {
    return this.pattern
  }
}

/** A checked pattern. */
export type ResolvedPattern = NamePattern | MatchedNames

/** Checks one pattern or several, each a non-empty glob or a RegExp. */
export function patternsOf(name: string, match: unknown): readonly ResolvedPattern[] {
  const patterns: readonly unknown[] = Array.isArray(match) ? match : [match]
  if (patterns.length === 0 || !patterns.every(isPattern)) {
    throw invalid(name, `patterns: globs such as 'encoder.layer.0.*', or RegExps`, match)
  }
  return patterns as ResolvedPattern[]
}

function isPattern(pattern: unknown): boolean {
  return (typeof pattern === 'string' && pattern !== '') || types.isRegExp(pattern) || pattern instanceof MatchedNames
}

/**
 * Options as a checkpoint stores them: each regular expression is replaced by the names that it matches. An expression from an untrusted file
 * could run for hours, so files are never a source of regular expressions.
 */
export function withMatchedNames<T>(options: T, names: readonly string[]): T {
  return replaced(options, names) as T
}

function replaced(value: unknown, names: readonly string[]): unknown {
  if (types.isRegExp(value)) return new MatchedNames(String(value), new Set(names.filter((name) => matches(name, value))))
  if (Array.isArray(value)) return value.map((each) => replaced(each, names))
  if (typeof value !== 'object' || value === null || !isPlain(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, replaced(each, names)]))
}
