import type { ParameterInfo } from '../../binding'
import { refusal } from '../options/checks'
import type { NamePattern } from '../options/train'

/** Whether a parameter's name fits: the whole of it a glob, any part of it a RegExp (whatever its flags and `lastIndex`). */
export function matches(name: string, pattern: NamePattern): boolean {
  if (typeof pattern !== 'string') return name.search(pattern) >= 0
  const literal = pattern.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
  return new RegExp(`^${literal.join('.*')}$`, 's').test(name)
}

/** As a message or a table shows it. */
export function patternText(patterns: readonly NamePattern[]): string {
  return patterns.map(String).join(' | ')
}

/**
 * Places of the parameters that any of the patterns matches. Uncertainty parameters belong to the loss, not to the model: no pattern sees them.
 * A pattern that matches nothing is refused, with a few names that there are; `where` is the option that holds it.
 */
export function matching(parameters: readonly ParameterInfo[], patterns: readonly NamePattern[], where: string): Set<number> {
  const found = new Set<number>()
  for (const pattern of patterns) {
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
