import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import type {
  CorpusRequest,
  EncoderSource,
  GroupSource,
  HeadObjective,
  HeadSource,
  LinearSource,
  LoadRequest,
  NativeModel,
  ParameterInfo,
  ParameterValue,
  TensorSource,
  TrainingRequest,
  TrainResult,
  VectorObjective,
} from '../../binding'
import { openFolder } from '../../lib/format/folder'
import { readSafetensorsHeader, type SafetensorsHeader } from '../../lib/format/safetensors'
import { openNative } from '../../lib/libtorch/open'
import { fromNative, nextTask } from '../../lib/native/call'

/** Arrays of a safetensors file by name. */
export class StoredArrays {
  private constructor(
    readonly file: string,
    readonly header: SafetensorsHeader,
  ) {}

  static async open(file: string): Promise<StoredArrays> {
    return new StoredArrays(file, await readSafetensorsHeader(file))
  }

  get names(): string[] {
    return [...this.header.tensors.keys()]
  }

  read(name: string): Float32Array {
    const { offset, bytes, dtype } = this.#find(name)
    if (dtype !== 'F32') throw new Error(`${name} is ${dtype}`)
    const data = new Uint8Array(bytes)
    const file = fs.openSync(this.file, 'r')
    fs.readSync(file, data, 0, bytes, offset)
    fs.closeSync(file)
    return new Float32Array(data.buffer)
  }

  /** As the first of the request's files. */
  source(name: string): TensorSource {
    const { offset, shape } = this.#find(name)
    return { name, file: 0, offset, dtype: 'F32', shape }
  }

  #find(name: string) {
    const tensor = this.header.tensors.get(name)
    if (!tensor) throw new Error(`${path.basename(this.file)} holds no ${name}`)
    return tensor
  }
}

export type HeadShape = Pick<HeadSource, 'name' | 'type' | 'sizes' | 'activation' | 'pooling' | 'steps' | 'inputs'>

/** The native surface of one model and its trainer, without the library around it. */
export class NativeTraining {
  private constructor(
    readonly native: NativeModel,
    readonly files: string[],
    readonly encoder: EncoderSource,
    readonly dense: LoadRequest['dense'],
  ) {}

  parameters: ParameterInfo[] = []
  #corpus: TrainedCorpus | undefined
  #objectives = { tasks: 0, all: 0 }

  static async load(
    folder: string,
    options: Partial<Pick<LoadRequest, 'threads' | 'kernels' | 'dtype' | 'encoder'>> = {},
  ): Promise<NativeTraining> {
    const { addon } = await openNative()
    const { files, encoder, dense } = await openFolder(folder)
    const native = new addon.Model()
    const request: LoadRequest = { files, encoder, dense, dtype: 'float32', device: 'cpu', threads: 1, kernels: 'auto', ...options }
    await fromNative(native.load(request))
    return new NativeTraining(native, files, encoder, dense)
  }

  /** Heads with the values that `arrays` holds under `<prefix>heads.<name>.<layer>.weight|bias`. */
  async addHeads(heads: readonly HeadShape[], arrays: StoredArrays, prefix: string): Promise<void> {
    for (const { name, type, sizes, activation, pooling, steps, inputs } of heads) {
      const layers: LinearSource[] = sizes.map((_, layer) => ({
        weight: arrays.source(`${prefix}heads.${name}.${layer}.weight`),
        bias: arrays.source(`${prefix}heads.${name}.${layer}.bias`),
      }))
      const source: HeadSource = { name, type, sizes, activation, pooling, steps, inputs, layers, files: [arrays.file], seed: 0 }
      await fromNative(this.native.addHead(source))
    }
  }

  /** Without dropout, in float32, unless told otherwise. */
  async start({ tasks, targets, ...more }: Objectives & Partial<Omit<TrainingRequest, 'objectives'>>): Promise<ParameterInfo[]> {
    const request: TrainingRequest = {
      files: this.files,
      encoder: this.encoder,
      dense: this.dense,
      hiddenDropout: 0,
      attentionDropout: 0,
      attentionOutputDropout: 0,
      dtype: 'float32',
      seed: 0,
      gradientCheckpointing: false,
      optimizer: { type: 'adamw', beta1: 0.9, beta2: 0.999, eps: 1e-8 },
      maxGradNorm: 0,
      uncertainty: false,
      cacheBytes: 0,
      objectives: [
        ...tasks.map((task) => ({ type: 'head' as const, ...task })),
        ...targets.map((target, i) => ({ type: 'vectors' as const, name: `target:${i}`, ...target })),
      ],
      ...more,
    }
    this.#objectives = { tasks: tasks.length, all: request.objectives.length }
    this.parameters = (await fromNative(this.native.startTraining(request))).parameters
    return this.parameters
  }

  /** Groups by the names of their parameters. */
  async setGroups(groups: readonly (Omit<GroupSource, 'parameters'> & { names: readonly string[] })[]): Promise<void> {
    const places = new Map(this.parameters.map(({ name }, i) => [name, i]))
    const resolved = groups.map(({ names, learningRate, weightDecay, clip }) => {
      const parameters = names.map((name) => {
        const place = places.get(name)
        if (place === undefined) throw new Error(`The trainer has no ${name}`)
        return place
      })
      return { parameters, learningRate, weightDecay, clip }
    })
    await fromNative(this.native.setGroups(resolved))
  }

  /** Every parameter that `trains` in one group. */
  async trainOnly(trains: (name: string) => boolean, group: Partial<GroupSource> = {}): Promise<void> {
    const names = this.parameters.map(({ name }) => name).filter(trains)
    await this.setGroups([{ names, learningRate: 1e-3, weightDecay: 0.01, clip: true, ...group }])
  }

  async setCorpus({ labels, targets, ...rows }: TrainedCorpus): Promise<void> {
    this.#corpus = { labels, targets, ...rows }
    await fromNative(this.native.setCorpus({ ...rows, targets: [...labels, ...targets] }))
  }

  /** Runs every step of the plan, however many calls that takes; the per-step arrays of all of them. */
  async run(plan: StepPlan, options: RunOptions = {}): Promise<RunResult> {
    const count = plan.steps.length - 1
    const multipliers = Float64Array.from(options.multipliers ?? new Array<number>(count).fill(1))
    const parts: TrainResult[] = []
    let done = 0
    while (done < count) {
      const result = await fromNative(
        this.native.train({
          task: nextTask(),
          order: Int32Array.from(plan.order),
          batches: Int32Array.from(plan.batches),
          steps: Int32Array.from(plan.steps.slice(done)),
          multipliers: multipliers.slice(done),
          weights: options.weights ? Float64Array.from(options.weights) : null,
          firstStep: (options.firstStep ?? 0) + done,
          milliseconds: options.milliseconds ?? 10_000,
          apply: options.apply ?? true,
        }),
      )
      if (result.steps < 1) throw new Error('train ran no step')
      if (result.skipped) throw new Error(`step ${done + result.steps - 1} was skipped`)
      parts.push(result)
      done += result.steps
    }
    const join = (key: 'loss' | 'losses' | 'items' | 'correct' | 'gradientNorm') => parts.flatMap((part) => Array.from(part[key]))
    const sum = (key: 'examples' | 'tokens') => parts.reduce((total, part) => total + part[key], 0)
    return {
      loss: join('loss'),
      losses: join('losses'),
      items: join('items'),
      // Vectors are never right or wrong.
      correct: join('correct').filter((_, i) => i % this.#objectives.all < this.#objectives.tasks),
      gradientNorm: join('gradientNorm'),
      uncertainty: [...parts.at(-1)!.uncertainty],
      examples: sum('examples'),
      tokens: sum('tokens'),
    }
  }

  /** By name; all of them by default. */
  async read(value: ParameterValue, names = this.parameters.map(({ name }) => name)): Promise<Map<string, Float32Array>> {
    const arrays = await fromNative(this.native.read(value, names))
    return new Map(names.map((name, i) => [name, arrays[i]!]))
  }

  /** Logits of the corpus' rows. */
  async logits(head: string): Promise<Float32Array> {
    const { ids, offsets } = this.#corpus!
    const request = { task: nextTask(), ids, offsets, batchTokens: 64, heads: [head], embedding: null }
    return (await fromNative(this.native.predict(request))).logits[0]!
  }

  async dispose(): Promise<void> {
    await fromNative(this.native.dispose())
  }
}

/** How a head is trained. */
export type Task = Omit<HeadObjective, 'type'>

/** Vectors that the sentence vector learns to be. */
export type VectorTarget = Omit<VectorObjective, 'type' | 'name'>

/** The objectives of a run: those of heads come first. */
export interface Objectives {
  tasks: readonly Task[]
  targets: readonly VectorTarget[]
}

/** Rows with the labels of each task and the vectors of each target. */
export interface TrainedCorpus extends Omit<CorpusRequest, 'targets'> {
  labels: Int32Array[]
  targets: Float32Array[]
}

/** As TrainRequest has it. */
export interface StepPlan {
  order: readonly number[]
  batches: readonly number[]
  steps: readonly number[]
}

export interface RunOptions {
  apply?: boolean
  multipliers?: readonly number[]
  /** Per objective. */
  weights?: readonly number[]
  firstStep?: number
  milliseconds?: number
}

export interface RunResult {
  loss: number[]
  losses: number[]
  items: number[]
  correct: number[]
  gradientNorm: number[]
  uncertainty: number[]
  examples: number
  tokens: number
}

/** Whole rows of the corpus in steps of one micro-batch each. */
export function stepsOf(rows: readonly (readonly number[])[]): StepPlan {
  const batches = [0]
  for (const row of rows) batches.push(batches.at(-1)! + row.length)
  return { order: rows.flat(), batches, steps: batches.map((_, i) => i) }
}

/** A task without weighting, smoothing and dropout. */
export function plainTask(head: string, loss: Task['loss'] = 'cross-entropy', more: Partial<Task> = {}): Task {
  return { head, loss, weight: 1, labelSmoothing: 0, classWeights: null, inputDropout: 0, dropout: 0, ...more }
}

/** A hash of each array: equal only where every bit is, and a comparison names those that differ. */
export function hashes(values: ReadonlyMap<string, Float32Array>): Record<string, string> {
  const hash = ({ buffer, byteOffset, byteLength }: Float32Array) =>
    createHash('sha256')
      .update(new Uint8Array(buffer, byteOffset, byteLength))
      .digest('hex')
      .slice(0, 16)
  return Object.fromEntries([...values].map(([name, array]) => [name, hash(array)]))
}
