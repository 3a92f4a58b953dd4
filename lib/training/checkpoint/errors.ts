import { isSentorchError, SentorchError } from '../../base/errors'
import { isLonger, type FitCourse } from '../loop/history'
import { comparable } from '../plain'

/** What the first call after `Trainer.resume` must match. */
export interface Pinned {
  /** The checkpoint's folder. */
  dir: string
  /** Whether the fit may be longer than before. */
  extend: boolean
}

/** Turns errors about files of a checkpoint into ERR_CHECKPOINT. */
export async function asCheckpoint<T>(dir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isSentorchError(error) || !FILE_ERRORS.includes(error.code)) throw error
    throw new SentorchError('ERR_CHECKPOINT', `The checkpoint ${dir} cannot be read. ${error.message}`, {
      cause: error,
      detail: error.detail,
    })
  }
}

const FILE_ERRORS: readonly string[] = ['ERR_MODEL_FORMAT', 'ERR_MODEL_UNSUPPORTED', 'ERR_MODEL_NOT_FOUND', 'ERR_UNSAFE_MODEL']

export function broken(dir: string, what: string, cause?: unknown): SentorchError {
  return new SentorchError('ERR_CHECKPOINT', `The checkpoint ${dir} cannot be used: ${what}.`, { cause, detail: { folder: dir } })
}

export function otherData(dir: string, difference: string): SentorchError {
  return new SentorchError(
    'ERR_CHECKPOINT',
    `The checkpoint ${dir} was written with different data: ${difference}. Resume with the same data, or pass \`otherData: true\` to start a new run from its weights.`,
    { detail: { folder: dir } },
  )
}

export function otherOption(dir: string, option: string, before: unknown, now: unknown): SentorchError {
  return new SentorchError(
    'ERR_CHECKPOINT',
    `The checkpoint ${dir} was written with different options: resume with the same \`${option}\` (checkpoint: ${shown(before)}, now: ${shown(now)}), or leave out \`options\`.`,
    { detail: { folder: dir, option } },
  )
}

export function otherFit({ dir, extend }: Pinned, option: keyof FitCourse, before: FitCourse, now: FitCourse): SentorchError {
  const values = `(checkpoint: ${shown(before[option])}, now: ${shown(now[option])})`
  const ways = [`resume with the same \`${option}\` ${values}`]
  if (!extend && isLonger(option, before, now)) ways.push('pass `extend: true`')
  ways.push('pass `otherData: true` to start a new run from its weights')
  return new SentorchError('ERR_CHECKPOINT', `The checkpoint ${dir} belongs to a fit with different options: ${ways.join(', or ')}.`, {
    detail: { folder: dir, option, checkpoint: before[option], now: now[option] },
  })
}

function shown(value: unknown): string {
  const text = value === undefined || value === null ? 'not given' : JSON.stringify(comparable(value))
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}
