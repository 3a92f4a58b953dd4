import { nearest } from '../base/check'
import { isSentorchError, SentorchError } from '../base/errors'
import { Fields, isObject } from '../files/fields'
import { readJson, resolveFile, type ModelRoot } from '../files/read'
import type { Head, HeadContext } from '../heads/definition'
import type { StoredHead } from '../heads/heads'
import { HEAD_TYPES, kindOf } from '../heads/kinds'
import { HEAD_ACTIVATIONS, resolveHead } from '../heads/options'
import { POOLING_NAMES } from '../pooling/poolings'
import { TensorMatcher, type Misfit } from './tensor-matcher'
import { readSafetensorsHeader } from './safetensors'

export const SENTORCH_JSON = 'sentorch.json'
export const HEADS_FILE = 'heads.safetensors'

export interface ReadHeads extends Pick<SentorchJson, 'training' | 'notes'> {
  heads: StoredHead[]
  matcher?: TensorMatcher
  misfit?: Misfit
}

/**
 * Reads sentorch.json and the header of heads.safetensors; undefined if the folder has neither. Appends the path of heads.safetensors to
 * `files`. Mismatches are returned in the same form as those of the other weights.
 */
export async function readHeads(root: ModelRoot, context: HeadContext, files: string[]): Promise<ReadHeads | undefined> {
  const json = await readJson(root, SENTORCH_JSON)
  const file = await resolveFile(root, HEADS_FILE)
  if (json === undefined) {
    if (file === undefined) return undefined
    throw missing(root, SENTORCH_JSON, `it contains ${HEADS_FILE}, which cannot be read without it`)
  }
  const { heads, ...rest } = parseSentorchJson(json, `${SENTORCH_JSON} in ${root.shown}`)
  if (file === undefined) {
    if (heads.length === 0) return { heads: [], ...rest }
    throw missing(root, HEADS_FILE, `${SENTORCH_JSON} names heads whose weights it contains (${heads.map(({ name }) => name).join(', ')})`)
  }
  const place = files.push(file) - 1
  const { tensors } = await readSafetensorsHeader(file, HEADS_FILE)
  const located = new Map([...tensors].map(([name, tensor]) => [name, { ...tensor, file: place }]))
  const matcher = new TensorMatcher({ name: HEADS_FILE, tensors: located }, SENTORCH_JSON)
  const stored = heads.map((head) => ({
    head,
    layers: layerSizes(head, context).map(([inputs, outputs], layer) => matcher.linear(`${head.name}.${layer}`, inputs, outputs)),
  }))
  const misfit = matcher.close()
  return { heads: stored, ...rest, matcher, ...(misfit && { misfit }) }
}

/** [inputs, outputs] of each layer of a head. */
export function layerSizes(head: StoredHead['head'], context: HeadContext): [number, number][] {
  const sizes = [kindOf(head).inputs(head, context).inputs, ...head.hidden, head.labels.length]
  return sizes.slice(1).map((outputs, i) => [sizes[i]!, outputs])
}

function missing(root: ModelRoot, file: string, why: string): SentorchError {
  return new SentorchError('ERR_MODEL_FORMAT', `${root.shown} contains no ${file}, but ${why}: the folder is incomplete.`, {
    detail: { file },
  })
}

/** Version of the file format. Increased when older readers would misread the file. */
const FORMAT_VERSION = 1

const TOP_KEYS = ['format', 'sentorch', 'heads', 'training', 'notes']
const HEAD_KEYS = ['name', 'type', 'labels', 'hidden', 'activation', 'inputDropout', 'dropout', 'pooling', 'multiLabel']

/** The content of sentorch.json. */
export interface SentorchJson {
  heads: Head[]
  /** How the model was trained (recipe, seed, versions, metrics), as passed to save. */
  training?: Readonly<Record<string, unknown>>
  /** Notes for users of the folder. */
  notes: readonly string[]
}

/** The content of the file; `version` is the version of this library. */
export function sentorchJson({ heads, training, notes }: SentorchJson, version: string): object {
  return {
    format: FORMAT_VERSION,
    sentorch: version,
    heads: heads.map(({ name, type, labels, hidden, activation, inputDropout, dropout, pooling, multiLabel }) => ({
      name,
      type,
      labels,
      hidden,
      activation,
      inputDropout,
      dropout,
      pooling: pooling ?? null,
      multiLabel,
    })),
    ...(training && { training }),
    ...(notes.length > 0 && { notes }),
  }
}

/**
 * Reads the file and checks it without trusting its author. ERR_MODEL_FORMAT: an invalid head. ERR_MODEL_UNSUPPORTED: a newer format, a type or
 * an activation that is not implemented, or an unknown setting.
 */
function parseSentorchJson(json: unknown, where: string): SentorchJson {
  const file = new Fields(json, where)
  const format = file.integer('format', 1, Number.MAX_SAFE_INTEGER)
  if (format > FORMAT_VERSION) {
    throw file.unsupported('format', `this version of sentorch reads formats up to ${FORMAT_VERSION}; update sentorch to load the model`)
  }
  refuseOthers(file, TOP_KEYS)
  const stored = file.has('heads') ? file.raw('heads') : []
  if (!Array.isArray(stored)) throw file.bad('heads', 'a list of heads')
  const heads = stored.map((head: unknown, i) => parseHead(new Fields(head, `heads[${i}] of ${where}`)))
  const double = heads.find(({ name }, i) => heads.findIndex((head) => head.name === name) < i)
  if (double)
    throw new SentorchError('ERR_MODEL_FORMAT', `Two heads in ${where} have the name '${double.name}'.`, { detail: { file: where } })
  const notes = file.given('notes') ? file.raw('notes') : []
  if (!Array.isArray(notes) || notes.some((note) => typeof note !== 'string')) throw file.bad('notes', 'a list of strings')
  const training = file.given('training') ? file.raw('training') : undefined
  if (training !== undefined && !isObject(training)) throw file.bad('training', 'an object')
  return { heads, notes: notes as string[], ...(training && { training }) }
}

function parseHead(fields: Fields): Head {
  refuseOthers(fields, HEAD_KEYS)
  for (const key of HEAD_KEYS.filter((each) => each !== 'pooling')) {
    if (!fields.given(key)) throw fields.bad(key, 'a value')
  }
  known(fields, 'type', HEAD_TYPES)
  known(fields, 'activation', HEAD_ACTIVATIONS)
  const pooling = fields.given('pooling') ? fields.raw('pooling') : undefined
  for (const name of Array.isArray(pooling) ? (pooling as unknown[]) : []) {
    if (typeof name === 'string' && !(POOLING_NAMES as readonly string[]).includes(name)) {
      throw fields.unsupported('pooling', `'${name}' is unknown; supported values are ${POOLING_NAMES.join(', ')}`)
    }
  }
  const definition = Object.fromEntries(HEAD_KEYS.map((key) => [key, fields.raw(key)]))
  try {
    return resolveHead({ ...(definition as unknown as Head), pooling: pooling as Head['pooling'] }).head
  } catch (error) {
    if (!isSentorchError(error) || error.code !== 'ERR_INVALID_ARGUMENT') throw error
    throw new SentorchError('ERR_MODEL_FORMAT', `${fields.where} is not a valid head: ${error.message}`, {
      cause: error,
      detail: { file: fields.where },
    })
  }
}

function known(fields: Fields, key: string, names: readonly string[]): void {
  if (!names.includes(fields.string(key))) throw fields.unsupported(key, `supported values are ${names.join(', ')}`)
}

function refuseOthers(fields: Fields, keys: readonly string[]): void {
  const other = fields.keys().find((key) => !keys.includes(key))
  if (other === undefined) return
  const near = nearest(other, keys)
  const hint = near === undefined ? `known settings are ${keys.join(', ')}` : `did you mean '${near}'?`
  throw fields.unsupported(other, `this setting is unknown (${hint}); a newer version of sentorch may have written it`)
}
