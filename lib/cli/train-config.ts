import { readFile } from 'node:fs/promises'
import { describe, invalid, knownKeys } from '../base/check'
import { refusal } from '../base/arguments'
import { SentorchError } from '../base/errors'
import type { FitOptions } from '../training/options/fit'
import type { TrainerOptions } from '../training/options/train'
import type { DataFormat } from './data-formats'
import { COMMAND_OPTIONS, TRAIN_OPTIONS, type ValueSchema } from './train-options'

/** The content of `train.json`: the options of the command, the trainer and the fit, flat, under their names in the API. */
export interface TrainConfig extends TrainerOptions, Omit<FitOptions, keyof TrainerOptions | 'evaluate' | 'report'> {
  model?: string
  train?: string[]
  eval?: string[]
  evalShare?: number
  format?: DataFormat
  output?: string
  reader?: Record<string, unknown>
  head?: Record<string, Record<string, unknown>>
  device?: string
  threads?: number
  report?: boolean
  logEvery?: number
  tensorboard?: string
}

/** Reads a configuration file. ERR_FILE if it cannot be read, ERR_INVALID_ARGUMENT for an unknown key or a value of the wrong type. */
export async function readConfig(file: string): Promise<TrainConfig> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === 'ENOENT' ? 'The file does not exist.' : `${cause.message}.`
    throw new SentorchError('ERR_FILE', `Cannot read ${file}. ${reason}`, { cause, detail: { file } })
  })
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (cause) {
    throw new SentorchError('ERR_FILE', `Cannot read ${file} as JSON: ${(cause as Error).message}`, { cause, detail: { file } })
  }
  return checkConfig(value, file)
}

export function checkConfig(value: unknown, where: string): TrainConfig {
  knownKeys(where, value, [...Object.keys(TRAIN_OPTIONS), '$schema'])
  const config = { ...(value as Record<string, unknown>) }
  delete config['$schema']
  for (const [key, given] of Object.entries(config)) {
    const { value: schema, repeats } = TRAIN_OPTIONS[key]!
    if (repeats && typeof given === 'string') config[key] = [given]
    else if (!fits(given, schema)) throw invalid(`'${key}' in ${where}`, expected(schema), given)
  }
  return config
}

/** Flags replace the options of the file; the fields of an object replace single fields. */
export function merged(config: TrainConfig, flags: TrainConfig): TrainConfig {
  const result: Record<string, unknown> = { ...config }
  for (const [key, value] of Object.entries(flags)) {
    if (value === undefined) continue
    const isFields = (each: unknown) => typeof each === 'object' && each !== null && !Array.isArray(each)
    result[key] = isFields(value) && isFields(result[key]) ? { ...(result[key] as object), ...(value as object) } : value
  }
  return result
}

/** Throws ERR_INVALID_ARGUMENT if an option that every run needs is missing. */
export function requireOptions<K extends keyof typeof COMMAND_OPTIONS>(config: TrainConfig, keys: readonly K[]): void {
  for (const key of keys) if (config[key] === undefined) throw refusal(`--${key} is missing: ${COMMAND_OPTIONS[key].description}.`)
}

function fits(value: unknown, schema: ValueSchema): boolean {
  if ('enum' in schema) return typeof value === 'string' && schema.enum.includes(value)
  const types: readonly string[] = typeof schema.type === 'string' ? [schema.type] : schema.type
  if (!types.includes(typeOf(value)) && !(types.includes('number') && Number.isFinite(value))) return false
  const items = 'items' in schema ? schema.items : undefined
  return items === undefined || (value as unknown[]).every((item) => typeof item === items.type)
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  if (Number.isInteger(value)) return 'integer'
  return value === null ? 'null' : typeof value
}

function expected(schema: ValueSchema): string {
  if ('enum' in schema) return `one of ${schema.enum.map(describe).join(', ')}`
  const types = typeof schema.type === 'string' ? [schema.type] : schema.type
  const items = 'items' in schema && schema.items ? ` of ${schema.items.type}s` : ''
  return types.map((type) => `${/^[aeio]/.test(type) ? 'an' : 'a'} ${type}`).join(' or ') + items
}

/** The JSON Schema of the file, which editors use for completion. */
export function configSchema(): object {
  const properties = Object.entries(TRAIN_OPTIONS).map(([key, { value, description, repeats }]) => {
    const schema = repeats ? { type: ['string', 'array'], items: { type: 'string' } } : value
    return [key, { ...schema, description }] as const
  })
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Options of sentorch train',
    type: 'object',
    properties: { $schema: { type: 'string' }, ...Object.fromEntries(properties) },
    additionalProperties: false,
  }
}
