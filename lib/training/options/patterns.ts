import { types } from 'node:util'
import { invalid } from '../../base/check'

/**
 * Names of parameters: a glob, in which `*` stands for any run of characters (dots too) and all else for itself, against the whole name;
 * or a RegExp, which may match anywhere in it.
 */
export type NamePattern = string | RegExp

/** What a RegExp matched when a checkpoint was written. */
export class MatchedNames {
  constructor(
    /** The expression as text, for messages and to be compared with. */
    readonly pattern: string,
    readonly names: ReadonlySet<string>,
  ) {}

  toString(): string {
    return this.pattern
  }
}

/** A pattern after its checks. */
export type ResolvedPattern = NamePattern | MatchedNames

/** One pattern or several, each a glob that is not empty or a RegExp. */
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
