import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { refusal } from '../base/arguments'
import { SentorchError } from '../base/errors'
import type { TrainConfig } from './train-config'

const CONFIG_FILE = 'train.json'

/**
 * The folder of a run. While it trains: `train.json` (the options of the run), `metrics.jsonl`, `checkpoint` (the newest) and `best` (the model
 * of the best evaluation). In the end, the trained model's files take the place of the last two.
 */
export class RunFolder {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  get config(): string {
    return join(this.path, CONFIG_FILE)
  }

  get metrics(): string {
    return join(this.path, 'metrics.jsonl')
  }

  get report(): string {
    return join(this.path, 'report.html')
  }

  get checkpoint(): string {
    return join(this.path, 'checkpoint')
  }

  get best(): string {
    return join(this.path, 'best')
  }

  /** ERR_FILE if it has other content: an earlier run without `overwrite`, or files that no run has written. */
  async check(overwrite: boolean, model: string): Promise<void> {
    if (resolve(this.path) === resolve(model)) throw refusal(`--output ${this.path} is the folder of --model. Name another folder.`)
    const names = await this.#names()
    if (names.length === 0) return
    if (!names.includes(CONFIG_FILE)) throw this.#unusable('It contains files that sentorch train has not written. Name another folder.')
    if (!overwrite) throw this.#unusable('It contains an earlier run: pass --resume to continue it, or --overwrite to replace it.')
  }

  /** Removes an earlier run and stores the options of the new one. */
  async begin(config: TrainConfig): Promise<void> {
    for (const name of await this.#names()) await rm(join(this.path, name), { recursive: true, force: true })
    await mkdir(this.path, { recursive: true })
    await this.store(config)
  }

  async store(config: TrainConfig): Promise<void> {
    await writeFile(this.config, `${JSON.stringify(config, null, 2)}\n`)
  }

  /** ERR_CHECKPOINT if there is nothing to continue. */
  checkResumable(): void {
    if (existsSync(this.checkpoint)) return
    const why = existsSync(join(this.path, 'config.json'))
      ? 'The run in it has ended; train the model further with --model and another --output.'
      : 'It has no checkpoint. Start the run again without --resume.'
    throw new SentorchError('ERR_CHECKPOINT', `Nothing to continue in ${this.path}. ${why}`, { detail: { folder: this.path } })
  }

  /** Saves the final model here and removes what the run no longer needs. A crash on the way leaves the checkpoint. */
  async finish(save: (folder: string) => Promise<void>): Promise<void> {
    const final = join(this.path, '.final')
    await rm(final, { recursive: true, force: true })
    await save(final)
    for (const name of await readdir(final)) {
      await rm(join(this.path, name), { recursive: true, force: true })
      await rename(join(final, name), join(this.path, name))
    }
    for (const done of [final, this.best, this.checkpoint]) await rm(done, { recursive: true, force: true })
  }

  async #names(): Promise<string[]> {
    return readdir(this.path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw this.#unusable(error.code === 'ENOTDIR' ? 'It is a file, not a folder.' : `${error.message}.`)
    })
  }

  #unusable(reason: string): SentorchError {
    return new SentorchError('ERR_FILE', `Cannot write the folder ${this.path}. ${reason}`, { detail: { folder: this.path } })
  }
}
