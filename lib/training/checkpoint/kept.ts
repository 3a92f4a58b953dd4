import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isSentorchError, SentorchError, warn } from '../../base/errors'
import { asSentorchError } from '../../files/file-errors'
import { StagedFolder } from '../../format/write-folder'
import type { ResolvedEpoch } from '../options/epoch'
import { TRAINER_JSON } from './checkpoint'
import { broken } from './errors'
import { openCheckpoint, type StoredTrainer } from './read'

/** The number counts the saves into the folder by any run, so the highest number is the newest checkpoint. */
const NAME = /^checkpoint-(\d{4,15})$/

/** One of several checkpoints in a folder: each save creates a new one, `checkpoint-0001` and so on, and the oldest are removed. */
interface KeptCheckpoint {
  path: string
  number: number
}

/** The checkpoints in a folder, newest first; empty if the folder does not exist. */
async function keptCheckpoints(dir: string): Promise<KeptCheckpoint[]> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return []
    throw unusable(dir, error)
  })
  return names
    .flatMap((name) => {
      const number = NAME.exec(name)?.[1]
      return number === undefined ? [] : [{ path: join(dir, name), number: Number(number) }]
    })
    .sort((a, b) => b.number - a.number)
}

/** Path of the next checkpoint. ERR_FILE if the folder is itself a checkpoint or a model. */
export async function nextCheckpoint(dir: string): Promise<string> {
  const names: string[] = await readdir(dir).catch(() => [])
  const itself = names.find((name) => name === TRAINER_JSON || name === 'config.json')
  if (itself !== undefined) {
    const what = itself === TRAINER_JSON ? 'a checkpoint' : 'a model'
    throw new SentorchError('ERR_FILE', `${dir} is ${what} itself, so it cannot hold several checkpoints. Name another folder, or leave out 'saveEvery.keep'.`, { detail: { folder: dir } }) // prettier-ignore
  }
  const [newest] = await keptCheckpoints(dir)
  return join(dir, `checkpoint-${String((newest?.number ?? 0) + 1).padStart(4, '0')}`)
}

/** Called before the first step. ERR_FILE if the folder cannot be written or contains something else. */
export async function checkTarget({ dir, keep }: Pick<NonNullable<ResolvedEpoch['saveEvery']>, 'dir' | 'keep'>): Promise<void> {
  const staged = await StagedFolder.create(keep === undefined ? dir : await nextCheckpoint(dir), { overwrite: true })
  await staged.discard()
}

/** All checkpoints except the newest `keep`. */
export async function surplusCheckpoints(dir: string, keep: number): Promise<string[]> {
  return (await keptCheckpoints(dir)).slice(keep).map(({ path }) => path)
}

export async function removeCheckpoint(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch((error: unknown) => {
    throw unusable(path, error)
  })
}

/**
 * The checkpoint for a path: the folder itself, or the newest undamaged checkpoint in it, with a warning that names each damaged one that was
 * skipped. ERR_CHECKPOINT if none can be used.
 */
export async function findCheckpoint(dir: string): Promise<StoredTrainer> {
  const kept = await keptCheckpoints(dir)
  if (kept.length === 0) return openCheckpoint(dir)
  const damaged: string[] = []
  for (const { path } of kept) {
    const found = await openCheckpoint(path).catch((error: unknown) => {
      if (!isSentorchError(error) || error.code !== 'ERR_CHECKPOINT') throw error
      damaged.push(error.message)
      return undefined
    })
    if (!found) continue
    if (damaged.length > 0) warn('SENTORCH_CHECKPOINT_DAMAGED', `${damaged.join(' ')} Training resumes from ${path}, which is older.`)
    return found
  }
  throw broken(dir, `all ${kept.length} checkpoints in it are damaged. ${damaged[0]!.replace(/\.$/, '')}`)
}

function unusable(dir: string, error: unknown): SentorchError {
  return new SentorchError('ERR_FILE', `The folder ${dir} cannot be used for checkpoints: ${(error as Error).message}.`, {
    cause: error,
    detail: { folder: dir },
  })
}

type Rule = NonNullable<ResolvedEpoch['saveEvery']>

/** Decides when `saveEvery` requires a checkpoint, over all epochs of one call. */
export class SavingTimes {
  readonly #rule: Rule | undefined
  readonly #save: (rule: Rule) => Promise<void>
  readonly #now: () => number
  #last: number

  constructor(rule: Rule | undefined, save: (rule: Rule) => Promise<void>, now: () => number = () => performance.now()) {
    this.#rule = rule
    this.#save = save
    this.#now = now
    this.#last = now()
  }

  /** Number of steps until the next save by `steps`. `attempted`: steps run since training began. */
  room(attempted: number): number {
    return this.#rule && this.#rule.steps < Infinity ? this.#rule.steps - (attempted % this.#rule.steps) : Infinity
  }

  /** Called at the end of a step. A disk error only causes a warning, so that a full disk does not end a long training run. */
  async saveIfDue(attempted: number): Promise<void> {
    if (!this.#rule) return
    const { steps, milliseconds } = this.#rule
    if (attempted % steps !== 0 && this.#now() - this.#last < milliseconds) return
    try {
      await this.#save(this.#rule)
    } catch (error) {
      const failure = asSentorchError(error)
      if (failure.code !== 'ERR_FILE') throw error
      warn(
        'SENTORCH_CHECKPOINT_NOT_SAVED',
        `The checkpoint after ${attempted} steps could not be saved; training continues. ${failure.message}`,
      )
    }
    this.#last = this.#now()
  }
}
