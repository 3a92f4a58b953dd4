import type { ParameterInfo } from '../../../binding'
import { describe } from '../../base/check'
import { refusal } from '../../base/arguments'
import { MatchedNames, type ResolvedPattern } from '../options/patterns'

/** Whether a parameter's name fits: the whole of it a glob, any part of it a RegExp (whatever its flags and `lastIndex`). */
export function matches(name: string, pattern: ResolvedPattern): boolean {
  if (typeof pattern === 'string') return fitsGlob(name, pattern)
  return pattern instanceof MatchedNames ? pattern.names.has(name) : name.search(pattern) >= 0
}

/** Each part between two stars is taken at its first place after the part before it, so no glob takes longer than name · glob. */
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

/** As a message or a table shows it. */
export function patternText(patterns: readonly ResolvedPattern[]): string {
  return patterns.map(String).join(' | ')
}

/**
 * Places of the parameters that any of the patterns matches. Uncertainty parameters belong to the loss, not to the model: no pattern sees them.
 * A pattern that matches nothing is refused, with a few names that there are; `where` is the option that holds it.
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
      throw refusal(`The pattern ${String(pattern)} of ${where} matches no parameter. There are: ${some.join(', ')}.`)
    }
  }
  return found
}

function refuseOthers(parameters: readonly ParameterInfo[], { pattern, names }: MatchedNames, where: string): void {
  const known = new Set(parameters.map(({ name }) => name))
  const other = [...names].find((name) => !known.has(name))
  if (other !== undefined) throw refusal(`The pattern ${pattern} of ${where} matched ${describe(other)}, which the model does not have.`)
}
