import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { mkdir, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { isSentorchError, SentorchError } from '../errors'
import { isAlive } from '../is-alive'
import { syncFolder } from '../sync-folder'

/** A folder with one of these is a model's: what may be replaced. */
const MARKS = ['config.json', 'modules.json', 'sentorch.json']

export interface StagingOptions {
  /** Whether a folder that is there already may be replaced. */
  overwrite: boolean
  /** Files of which one must lie in a folder that is replaced: nobody's documents are taken for an old model. */
  marks?: readonly string[]
}

/**
 * A folder that appears under its name only when it is whole: it is written beside its target, every file and folder is flushed to the disk,
 * then it is renamed. A folder that it replaces is put aside first and removed last; `recoverFolder` takes one back that a kill left aside.
 * Whatever fails on the disk is ERR_FILE. When the process ends first, what was written is removed.
 */
export class StagedFolder {
  /** Absolute; where it is written. */
  readonly path: string
  readonly #target: string
  readonly #overwrite: boolean
  readonly #folders: string[] = []
  readonly #onExit = (): void => rmSync(this.path, { recursive: true, force: true })

  private constructor(target: string, path: string, overwrite: boolean) {
    this.#target = target
    this.path = path
    this.#overwrite = overwrite
    process.once('exit', this.#onExit)
  }

  /** Refuses a target that is no folder, one that holds something and may not be replaced, and one that holds something else than a model. */
  static async create(folder: string, { overwrite, marks = MARKS }: StagingOptions): Promise<StagedFolder> {
    const target = await realpath(folder).catch(() => resolve(folder))
    await recoverFolder(target)
    await refuseTarget(target, folder, overwrite, marks)
    const path = join(dirname(target), `.${basename(target)}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`)
    return attempt(folder, async () => {
      for (const left of await leftBehind(target, 'tmp')) await rm(left, { recursive: true, force: true })
      await mkdir(path, { recursive: true })
      return new StagedFolder(target, path, overwrite)
    })
  }

  /** Makes a folder inside, by its name from the top, with '/'. */
  async folder(name: string): Promise<void> {
    await attempt(this.#target, () => mkdir(join(this.path, name), { recursive: true }))
    this.#folders.push(name)
  }

  async write(name: string, content: string | Uint8Array): Promise<void> {
    await attempt(this.#target, async () => {
      const handle = await open(join(this.path, name), 'wx')
      try {
        await handle.writeFile(content)
        await handle.sync()
      } finally {
        await handle.close()
      }
    })
  }

  async json(name: string, value: unknown): Promise<void> {
    await this.write(name, `${JSON.stringify(value, null, 2)}\n`)
  }

  async commit(): Promise<void> {
    await attempt(this.#target, async () => {
      for (const name of this.#folders) await syncFolder(join(this.path, name))
      await syncFolder(this.path)
      const old = this.#overwrite ? await this.#putAside() : undefined
      try {
        await rename(this.path, this.#target)
      } catch (error) {
        if (old !== undefined) await rename(old, this.#target)
        throw error
      }
      process.removeListener('exit', this.#onExit)
      await syncFolder(dirname(this.#target))
      if (old !== undefined) await rm(old, { recursive: true, force: true })
    })
  }

  /** Removes what was written; nothing happens after `commit`. */
  async discard(): Promise<void> {
    await rm(this.path, { recursive: true, force: true })
    process.removeListener('exit', this.#onExit)
  }

  async #putAside(): Promise<string | undefined> {
    const old = this.path.replace(/tmp$/, 'old')
    try {
      await rename(this.#target, old)
      return old
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }
}

/**
 * Between the two renames of a replacement the old folder lies aside and nothing under the name. Where a kill left it so, it gets its name
 * back. True where that was done.
 */
export async function recoverFolder(folder: string): Promise<boolean> {
  const target = resolve(folder)
  if ((await stat(target).catch(() => undefined)) !== undefined) return false
  const [aside] = await leftBehind(target, 'old')
  if (aside === undefined) return false
  await attempt(folder, () => rename(aside, target))
  return true
}

/** Removes what processes that were killed while they wrote this folder have left beside it. */
export async function sweepFolder(folder: string): Promise<void> {
  const target = resolve(folder)
  for (const kind of ['tmp', 'old'] as const) {
    for (const left of await leftBehind(target, kind)) await rm(left, { recursive: true, force: true })
  }
}

/** Folders of that kind beside the target which a process made that is there no more. */
async function leftBehind(target: string, kind: 'tmp' | 'old'): Promise<string[]> {
  const names = await readdir(dirname(target)).catch(() => [])
  const start = `.${basename(target)}.`
  const maker = new RegExp(`^(\\d+)-[0-9a-f]{8}\\.${kind}$`)
  return names
    .filter((name) => name.startsWith(start))
    .filter((name) => {
      const pid = maker.exec(name.slice(start.length))?.[1]
      return pid !== undefined && !isAlive(Number(pid))
    })
    .map((name) => join(dirname(target), name))
}

async function refuseTarget(target: string, shown: string, overwrite: boolean, marks: readonly string[]): Promise<void> {
  const names = await readdir(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw unwritable(shown, error.code === 'ENOTDIR' ? 'It is a file; name a folder.' : error.message, error)
  })
  if (names.length === 0) return
  if (!overwrite) throw unwritable(shown, 'It is there already. Name another folder, or replace it with overwrite: true.')
  if (names.some((name) => marks.includes(name))) return
  throw unwritable(shown, `It holds ${names.length} entries but none of ${marks.join(', ')}: only an earlier save is replaced.`)
}

async function attempt<T>(shown: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (isSentorchError(error)) throw error
    throw unwritable(shown, `${(error as Error).message}.`, error)
  }
}

function unwritable(folder: string, reason: string, cause?: unknown): SentorchError {
  return new SentorchError('ERR_FILE', `Cannot write the folder ${folder}. ${reason}`, { cause, detail: { folder } })
}
