// The saves that are made to fail, and what must hold of a folder after each: it is the old one whole or the new one whole, as the call has told,
// and the next save works and leaves nothing else.
'use strict'
const fs = require('node:fs')
const path = require('node:path')
const { Model, Trainer } = require('../../..')

const LOAD = { device: 'cpu', threads: 1 }
const EXAMPLES = Array.from({ length: 4 }, (_, i) => ({ text: `sentence ${i} flows`, labels: { mark: i % 2 } }))

/** What is saved: a model, a model over the folder that it was loaded from, a checkpoint. */
const KINDS = ['model', 'in-place', 'checkpoint']

class Saver {
  #source
  #root
  #model
  #trainer
  #generation = 0
  #now

  constructor(source, root) {
    this.#source = source
    this.#root = root
  }

  /**
   * Makes what there is before: with `before`, an earlier save, whose generation is one lower. Returns what makes the save of this case and
   * resolves to its outcome.
   */
  async prepare({ kind, before }) {
    const folder = folderOf(this.#root, kind)
    fs.rmSync(path.dirname(folder), { recursive: true, force: true })
    fs.mkdirSync(path.dirname(folder), { recursive: true })
    await this.close()
    this.#model = await Model.load(this.#source, LOAD)
    if (before) await this.#save(kind, folder)
    if (kind === 'in-place') {
      await this.#model.dispose()
      this.#model = await Model.load(folder, LOAD)
    }
    const old = before ? this.#generation : undefined
    const save = await this.#next(kind, folder)
    this.#now = { kind, folder, old, new: this.#generation }
    return () => outcomeOf(save)
  }

  /** After the save: undefined, or what does not hold. */
  async check({ error }) {
    const { kind, folder, old } = this.#now
    const wrong = error && !/^SentorchError ERR_/.test(error) ? `rejects with ${error}` : undefined
    const found = await generationIn(kind, folder).catch((failure) => `cannot be opened: ${failure.message}`)
    // Where a failing disk let neither folder have the name, the error says that the next load finishes it.
    const finished = error?.includes('moves the new one into place')
    const expected = error && !finished ? old : this.#now.new
    if (wrong || found !== expected) return wrong ?? `${error ?? 'saved'}, but the folder is ${found} in place of ${expected}`
    return this.#again(kind, folder)
  }

  /** Another process's next save of what a case was about. */
  async saveOver(kind) {
    const folder = folderOf(this.#root, kind)
    this.#model = await Model.load(kind === 'in-place' ? folder : this.#source, LOAD)
    return outcomeOf(await this.#next(kind, folder))
  }

  async close() {
    await this.#model?.dispose()
    this.#model = this.#trainer = undefined
  }

  async #again(kind, folder) {
    try {
      await this.#save(kind, folder)
      const found = await generationIn(kind, folder)
      if (found !== this.#generation) return `the next save left ${found} in place of ${this.#generation}`
      return problemOfLitter(folder)
    } catch (error) {
      return `the next save fails: ${error.message}`
    }
  }

  async #save(kind, folder) {
    await (
      await this.#next(kind, folder)
    )()
  }

  /** A generation is the label of a head, or the steps of training. */
  async #next(kind, folder) {
    const model = this.#model
    if (kind === 'checkpoint') {
      if (!this.#trainer) {
        model.addHead({ name: 'mark', type: 'classification', labels: ['0', '1'] })
        this.#trainer = model.trainer({ batchSize: EXAMPLES.length })
      }
      await this.#trainer.trainEpoch(EXAMPLES.map(({ text, labels }) => ({ text, labels: { mark: String(labels.mark) } })))
      this.#generation = this.#trainer.position.applied
      return () => this.#trainer.saveCheckpoint(folder)
    }
    this.#generation++
    if (model.heads.length > 0) model.removeHead('mark')
    model.addHead({ name: 'mark', type: 'classification', labels: [String(this.#generation), 'other'] })
    return () => model.save(folder, { overwrite: true })
  }
}

function folderOf(root, kind) {
  return path.join(root, kind, 'model')
}

async function outcomeOf(save) {
  try {
    await save()
    return {}
  } catch (error) {
    return { error: `${error.name} ${error.code} ${error.message}` }
  }
}

/** Opens the folder as a user does, its hashes checked; undefined where there is none. */
async function generationIn(kind, folder) {
  try {
    if (kind === 'checkpoint') {
      const trainer = await Trainer.resume(folder, { load: LOAD })
      const { applied } = trainer.position
      await trainer.model.dispose()
      return applied
    }
    const model = await Model.load(folder, { ...LOAD, verify: true })
    await model.dispose()
    return Number(model.heads[0].labels[0])
  } catch (error) {
    if (error.name === 'SentorchError' && !fs.existsSync(folder)) return undefined
    throw error
  }
}

function problemOfLitter(folder) {
  const names = fs.readdirSync(path.dirname(folder)).filter((name) => name !== path.basename(folder))
  return names.length > 0 ? `next to the folder lies ${names.join(', ')}` : undefined
}

module.exports = { KINDS, Saver, folderOf, generationIn, problemOfLitter }
