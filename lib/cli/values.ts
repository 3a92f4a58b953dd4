import { InvalidArgumentError } from 'commander'
import { define } from '../base/arguments'

/** A value of a flag: JSON if it is a number, a constant or bracketed, otherwise the text itself. */
export function valueOf(text: string): unknown {
  if (!/^(?:[[{"]|-?\d|true$|false$)/.test(text)) return text
  try {
    return JSON.parse(text)
  } catch {
    if (/^[[{"]/.test(text)) throw new InvalidArgumentError(`${text} is not JSON.`)
    return text
  }
}

/**
 * Adds `key=value` pairs, separated by commas, to an object: `patience=2,metric=slots.f1`. A dot in a key leads to an inner object:
 * `intent.hidden=[128,64]`. Text that begins with `{` is JSON.
 */
export function addFields(text: string, previous: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  if (text.startsWith('{')) return { ...previous, ...(valueOf(text) as object) }
  const result = structuredClone(previous) as Record<string, unknown>
  for (const pair of text.split(/,(?=[^,[\]{}"]+=)/)) {
    const at = pair.indexOf('=')
    if (at < 1) throw new InvalidArgumentError(`Expected option=value, received '${pair}'.`)
    put(result, pair.slice(0, at).split('.'), valueOf(pair.slice(at + 1)))
  }
  return result
}

function put(target: Record<string, unknown>, [key, ...inner]: string[], value: unknown): void {
  if (key === undefined || key === '') throw new InvalidArgumentError('An option has no name.')
  if (inner.length === 0) return define(target, key, value)
  const known = Object.hasOwn(target, key) ? target[key] : undefined
  const next = typeof known === 'object' && known !== null && !Array.isArray(known) ? (known as Record<string, unknown>) : {}
  define(target, key, next)
  put(next, inner, value)
}

export function positive(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('Expected an integer of at least 1.')
  return Number(text)
}

export function integer(text: string): number {
  if (!/^-?\d{1,15}$/.test(text)) throw new InvalidArgumentError('Expected an integer.')
  return Number(text)
}

export function finite(text: string): number {
  const value = text.trim() === '' ? NaN : Number(text)
  if (!Number.isFinite(value)) throw new InvalidArgumentError('Expected a number.')
  return value
}
