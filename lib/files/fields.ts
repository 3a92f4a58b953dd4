import { describe, nearest } from '../base/check'
import { SentorchError } from '../base/errors'

/** Reads one JSON object of a model key by key. An invalid value throws ERR_MODEL_FORMAT with the key and the file. */
export class Fields {
  private readonly json: Record<string, unknown>

  /** `where`: the name of the file for error messages. */
  constructor(
    json: unknown,
    readonly where: string,
  ) {
    if (!isObject(json)) throw new SentorchError('ERR_MODEL_FORMAT', `Expected a JSON object in ${where}, received ${describe(json)}.`)
    this.json = json
  }

  keys(): string[] {
    return Object.keys(this.json)
  }

  has(key: string): boolean {
    return Object.hasOwn(this.json, key)
  }

  /** Null counts as absent. */
  given(key: string): boolean {
    return this.raw(key) !== undefined && this.raw(key) !== null
  }

  raw(key: string): unknown {
    return this.has(key) ? this.json[key] : undefined
  }

  /** Without a default the key is required. */
  integer(key: string, min: number, max: number, fallback?: number): number {
    const value = this.valueOf(key, fallback)
    if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) throw this.bad(key, `an integer in ${min}..${max}`)
    return value as number
  }

  string(key: string, fallback?: string): string {
    const value = this.valueOf(key, fallback)
    if (typeof value !== 'string') throw this.bad(key, 'a string')
    return value
  }

  boolean(key: string, fallback?: boolean): boolean {
    const value = this.valueOf(key, fallback)
    if (typeof value !== 'boolean') throw this.bad(key, 'true or false')
    return value
  }

  /** The object under `key`, or an empty one if the key is absent or null. */
  object(key: string): Fields {
    return new Fields(this.given(key) ? this.raw(key) : {}, `${key} of ${this.where}`)
  }

  /** The object under `key`, which must be present. */
  required(key: string): Fields {
    if (!isObject(this.raw(key))) throw this.bad(key, 'an object')
    return this.object(key)
  }

  /** Rejects any other key with ERR_MODEL_UNSUPPORTED, since ignoring it could lose data or change its meaning. Suggests the nearest known key. */
  only(keys: readonly string[]): this {
    const other = this.keys().find((key) => !keys.includes(key))
    if (other === undefined) return this
    const near = nearest(other, keys)
    throw new SentorchError(
      'ERR_MODEL_UNSUPPORTED',
      `${this.where} has the unknown key ${describe(other)}.${near === undefined ? ' A newer version of sentorch may have written it.' : ` Did you mean '${near}'?`}`,
      { detail: { file: this.where, key: other } },
    )
  }

  bad(key: string, expected: string): SentorchError {
    const received = this.has(key) ? describe(this.json[key]) : 'nothing'
    return new SentorchError('ERR_MODEL_FORMAT', `Expected ${expected} for ${key} in ${this.where}, received ${received}.`, {
      detail: { file: this.where, key },
    })
  }

  /** An ERR_MODEL_UNSUPPORTED error for the value under `key`. */
  unsupported(key: string, supported: string): SentorchError {
    return new SentorchError('ERR_MODEL_UNSUPPORTED', `${key} is ${describe(this.raw(key))} in ${this.where}; ${supported}.`, {
      detail: { file: this.where, key, value: this.raw(key) },
    })
  }

  private valueOf(key: string, fallback: unknown): unknown {
    return this.has(key) ? this.json[key] : fallback
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
