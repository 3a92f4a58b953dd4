import { types } from 'node:util'
import { MatchedNames } from '../options/patterns'
import { isPlain } from '../../base/arguments'
import { matches } from './patterns'

/**
 * Options as a checkpoint holds them: in the place of each regular expression the names that it matches. An expression from a file could run for
 * hours, so none is ever made of one.
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
