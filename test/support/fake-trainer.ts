import { join } from 'node:path'
import type { CorpusRequest, NativeModel, TrainRequest, TrainingRequest, TrainResult } from '../../binding'
import { Admission, SerialQueue, type LoadedModel } from '../../lib/model/loaded-model'
import { openFolder } from '../../lib/format/folder'
import type { HeadDefinition } from '../../lib/heads/definition'
import { Heads } from '../../lib/heads/heads'
import type { ModelInfo } from '../../lib/model/info'
import { Tokenizer } from '../../lib/tokenizer/tokenizer'
import { FIXTURES } from './variant'

/**
 * A native model of one parameter w, `heads.<first head>.0.weight`: the loss of a row is ½(w − label)², a step is one of plain gradient
 * descent. It keeps the contract of binding.d.ts: what a call was given it runs until it is stopped, steps are whole or not at all.
 */
export class FakeNative {
  w = 0
  /** Steps of one call, at most. */
  callSteps = 1000
  /** Numbers of steps (as `firstStep` counts) whose loss is not finite. */
  bad = new Set<number>()
  /** Called before each step with its number. */
  before: (step: number) => void = () => {}
  readonly calls: TrainRequest[] = []
  readonly opened: TrainingRequest[] = []
  readonly groups: number[][] = []
  corpora = 0
  isOpen = false
  #labels: Int32Array = new Int32Array()
  #rate = 0
  #updates = 0
  #kept: number | undefined
  readonly #aborted = new Set<number>()

  async addHead(): Promise<void> {}
  async removeHead(): Promise<void> {}
  async extendHead(): Promise<void> {}

  async startTraining(request: TrainingRequest) {
    this.opened.push(request)
    this.isOpen = true
    const [objective] = request.objectives
    const head = objective?.type === 'head' ? objective.head : ''
    return {
      parameters: [
        { name: 'encoder.layer.0.weight', shape: [1, 1], part: 'layer' as const, index: 0, head: '' },
        { name: `heads.${head}.0.weight`, shape: [1, 1], part: 'head' as const, index: -1, head },
      ],
    }
  }

  async endTraining(): Promise<void> {
    this.isOpen = false
  }

  async setGroups(groups: { parameters: number[]; learningRate: number }[]): Promise<void> {
    this.groups.push(groups.flatMap(({ parameters }) => parameters))
    this.#rate = groups.find(({ parameters }) => parameters.includes(1))?.learningRate ?? 0
  }

  async setCorpus({ targets }: CorpusRequest): Promise<void> {
    this.corpora++
    this.#labels = targets[0] as Int32Array
  }

  async train(request: TrainRequest): Promise<TrainResult> {
    this.calls.push(request)
    const { order, batches, steps, multipliers, firstStep, task } = request
    const out: { loss: number[]; items: number[]; norm: number[]; skipped: boolean } = { loss: [], items: [], norm: [], skipped: false }
    for (let s = 0; s < Math.min(this.callSteps, steps.length - 1) && !out.skipped; s++) {
      await Promise.resolve()
      this.before(firstStep + s)
      if (this.#aborted.has(task)) {
        if (s > 0) break
        throw Object.assign(new Error('aborted'), { code: 'ERR_ABORTED' })
      }
      const rows = Array.from(order.slice(batches[steps[s]!], batches[steps[s + 1]!]))
      const errors = rows.map((row) => this.w - this.#labels[row]!)
      const gradient = errors.reduce((sum, e) => sum + e, 0) / rows.length
      out.skipped = this.bad.has(firstStep + s)
      out.loss.push(out.skipped ? NaN : errors.reduce((sum, e) => sum + e * e, 0) / 2 / rows.length)
      out.items.push(rows.length)
      out.norm.push(Math.abs(gradient))
      if (out.skipped) continue
      this.w -= this.#rate * multipliers[s]! * gradient
      this.#updates++
    }
    const loss = Float64Array.from(out.loss)
    const items = Float64Array.from(out.items)
    const examples = out.items.reduce((sum, n) => sum + n, 0)
    return {
      steps: out.loss.length,
      skipped: out.skipped,
      loss,
      losses: loss,
      items,
      correct: items.map((n) => n / 2),
      gradientNorm: Float64Array.from(out.norm),
      uncertainty: this.opened.at(-1)?.uncertainty ? Float64Array.of(Math.log(4)) : new Float64Array(),
      examples,
      tokens: 3 * examples,
    }
  }

  async optimizerSteps(): Promise<Int32Array> {
    return Int32Array.of(0, this.#updates)
  }

  async weights(): Promise<string> {
    return String(this.w)
  }

  async keep(parameters: Int32Array): Promise<void> {
    this.#kept = parameters.includes(1) ? this.w : undefined
  }

  async revert(): Promise<void> {
    this.w = this.#kept ?? this.w
    this.#kept = undefined
  }

  abort(task: number): void {
    this.#aborted.add(task)
  }
}

/** What a model is made of, around the fake, with the tiny BERT's folder and tokenizer. */
export async function fakeModel(native: FakeNative, heads: readonly HeadDefinition[]): Promise<LoadedModel> {
  const folder = await openFolder(join(FIXTURES, 'models', 'bert'))
  const { config, modules } = folder
  const tokenizer = await Tokenizer.open(folder.folder, { maxLength: modules.maxSeqLength, doLowerCase: modules.doLowerCase, config })
  const model = native as unknown as NativeModel
  const info = { libtorch: { version: '2.11.0', root: '' }, dtype: 'float32', device: 'cpu', threads: 1 } as ModelInfo
  const list = new Heads({ native: model, modules, config, training: () => parts.trainer !== undefined, closeIdleTrainer() {} })
  const parts: LoadedModel = {
    native: model,
    tokenizer,
    folder,
    admission: new Admission(1e9),
    saves: new SerialQueue(),
    info,
    heads: list,
    trainer: undefined,
    keptTrainer: undefined,
    trained: false,
    weights: '0',
  }
  for (const head of heads) list.add(head)
  return parts
}
