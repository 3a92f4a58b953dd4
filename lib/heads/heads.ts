import { crc32 } from 'node:zlib'
import type { HeadSource, NativeModel } from '../../binding'
import { describe } from '../base/check'
import { SentorchError } from '../base/errors'
import { fromNative } from '../native/call'
import { refusal } from '../base/arguments'
import type { Head, HeadContext, HeadDefinition } from './definition'
import { kindOf } from './kinds'
import { resolveExtension, resolveHead } from './options'

/** A head in a model folder: its definition, and where the parameters of each layer are stored. */
export interface StoredHead {
  head: Head
  layers: NonNullable<HeadSource['layers']>
}

/**
 * A stored head in a model whose pooling was overridden. It keeps the pooling that it was trained with: another one would give it other inputs.
 * `own`: the modules of the folder; `now`: those of the model. ERR_INVALID_ARGUMENT if its input also passes through Dense modules.
 */
export function withOwnPooling(stored: StoredHead, own: HeadContext['modules'], now: HeadContext['modules']): StoredHead {
  const { head } = stored
  if (kindOf(head).perToken || head.pooling !== undefined || own.pooling.join() === now.pooling.join()) return stored
  if (own.dense.length > 0) {
    throw refusal(
      `'pooling' cannot be ${now.pooling.join(' + ')} for this model: its head '${head.name}' was trained on vectors of the model's own pooling ` +
        `(${own.pooling.join(' + ')}) and Dense modules. Load the model without 'pooling', or remove the head (removeHead) and save it first.`,
    )
  }
  return { ...stored, head: Object.freeze({ ...head, pooling: Object.freeze([...own.pooling]) }) }
}

export interface HeadsSources extends HeadContext {
  native: Pick<NativeModel, 'addHead' | 'removeHead' | 'extendHead'>
  /** Whether a trainer is open: it trains the heads that it was made with, so they must not change. */
  training: () => boolean
  /** Closes a trainer that nobody uses, before a change of the heads. */
  closeIdleTrainer: () => void
}

type Change = (list: readonly Head[]) => readonly Head[]
type Stored = Pick<HeadSource, 'seed' | 'layers' | 'files'>

/**
 * The heads of one model. A change is checked and visible here at once; the native model makes the changes in the same order, before any
 * later call. A change that fails there (for lack of memory) is undone here, and the next `ready` rejects.
 */
export class Heads {
  readonly #sources: HeadsSources
  #list: readonly Head[] = Object.freeze([])
  #settled: Promise<void> = Promise.resolve()
  #failure: { error: unknown } | undefined

  constructor(sources: HeadsSources) {
    this.#sources = sources
  }

  /** In the order in which they were added. A new frozen array after each change. */
  get list(): readonly Head[] {
    return this.#list
  }

  get(name: string): Head | undefined {
    return this.#list.find((head) => head.name === name)
  }

  /** ERR_INVALID_ARGUMENT if the model has no head of that name; the message lists those that it has. */
  require(name: string): Head {
    const head = this.get(name)
    if (head) return head
    const known =
      this.#list.length > 0 ? `Its heads: ${this.#list.map((each) => each.name).join(', ')}.` : 'It has none: add one with addHead.'
    throw new SentorchError('ERR_INVALID_ARGUMENT', `This model has no head named ${describe(name)}. ${known}`, {
      detail: { name, heads: this.#list.map((each) => each.name) },
    })
  }

  /** ERR_INVALID_ARGUMENT: an invalid definition, a name that is taken, an open trainer. */
  add(definition: HeadDefinition): Head {
    this.#refuseWhileTraining('A head cannot be added')
    const { head, seed } = resolveHead(definition)
    if (this.get(head.name))
      throw refusal(`This model already has a head named '${head.name}'. Remove it with removeHead, or use another name.`)
    this.#add(head, { seed: drawSeed(seed, head.name), layers: null, files: [] })
    return head
  }

  /** The heads of a model folder, which its reader has checked. `files`: the files that the layers refer to by index. */
  restore(stored: readonly StoredHead[], files: string[]): Promise<void> {
    for (const { head, layers } of stored) this.#add(head, { seed: 0, layers, files })
    return this.ready
  }

  remove(name: string): void {
    this.#refuseWhileTraining('A head cannot be removed')
    const head = this.require(name)
    // Native code cannot fail to remove a head that it has: a failure means that it never had it, or that the model is disposed of.
    this.#post(this.#sources.native.removeHead(head.name), without(head.name), (list) => list)
  }

  /** Adds labels after the existing ones, which keep their weights. */
  extend(name: string, labels: readonly string[], options?: { seed?: number }): Head {
    this.#refuseWhileTraining('A head cannot be extended')
    const head = this.require(name)
    const { labels: added, seed } = resolveExtension(head, labels, options)
    this.#post(
      this.#sources.native.extendHead(head.name, added.length, drawSeed(seed, head.name, head.labels.length)),
      relabelled(name, (labels) => [...labels, ...added]),
      relabelled(name, (labels) => labels.filter((label) => !added.includes(label))),
    )
    return this.require(name)
  }

  /** Resolves when the native model has made every change so far; rejects, once, with the first that failed. */
  get ready(): Promise<void> {
    return this.#settled.then(() => {
      const failed = this.#failure
      this.#failure = undefined
      if (failed) throw failed.error
    })
  }

  #add(head: Head, stored: Stored): void {
    this.#post(this.#sources.native.addHead(this.#source(head, stored)), (list) => [...list, head], without(head.name))
  }

  #source(head: Head, stored: Stored): HeadSource {
    const { name, hidden, labels, activation } = head
    const kind = kindOf(head)
    return { name, type: kind.native, sizes: [...hidden, labels.length], activation, ...kind.inputs(head, this.#sources), ...stored }
  }

  /** The list changes at once; `undo` reverts this change if native code cannot make it. */
  #post(work: Promise<void>, change: Change, undo: Change): void {
    this.#apply(change)
    const settled = fromNative(work).catch((error: unknown) => {
      this.#apply(undo)
      this.#failure ??= { error }
    })
    this.#settled = Promise.all([this.#settled, settled]).then(() => undefined)
  }

  #apply(change: Change): void {
    this.#list = Object.freeze([...change(this.#list)])
  }

  #refuseWhileTraining(what: string): void {
    this.#sources.closeIdleTrainer()
    if (!this.#sources.training()) return
    throw refusal(`${what} while a trainer is open: dispose of it first (trainer.dispose()), and create a new one afterwards.`)
  }
}

function without(name: string): Change {
  return (list) => list.filter((head) => head.name !== name)
}

function relabelled(name: string, change: (labels: readonly string[]) => readonly string[]): Change {
  return (list) => list.map((head) => (head.name === name ? withLabels(head, change(head.labels)) : head))
}

function withLabels(head: Head, labels: readonly string[]): Head {
  return Object.freeze({ ...head, labels: Object.freeze([...labels]) })
}

/**
 * The seed from which native code draws new weights of a head, as PyTorch would after `torch.manual_seed`: `seed` + CRC-32 of the name +
 * number of existing labels, modulo 2^32. Heads of the same shape therefore start with different weights, and so do labels added later.
 */
export function drawSeed(seed: number, name: string, labels = 0): number {
  return (seed + crc32(name) + labels) % 2 ** 32
}
