import path from 'node:path'
import { crc32 } from 'node:zlib'
import { floats, type GoldenMatrix } from './golden'
import { plainTask, type HeadShape, type StepPlan, type Task, type TrainedCorpus, type VectorTarget } from './native-training'

/** Head types, losses and layouts are those of the native surface. */
export interface GoldenCorpus {
  ids: number[]
  offsets: number[]
  labels: Record<string, number[]>
}

export type GoldenTask = Pick<Task, 'head' | 'loss' | 'weight' | 'labelSmoothing'> & { classWeights: number[] | null }

export interface GoldenGroup {
  names: string[]
  learningRate: number
  weightDecay: number
  clip: boolean
}

export interface GoldenRecipe {
  optimizer: 'adamw' | 'adam'
  beta1: number
  beta2: number
  eps: number
  maxGradNorm: number
}

export interface GoldenWindow extends StepPlan {
  loss: number
  /** By task and target. */
  losses: number[]
  items: number[]
  /** By task. */
  correct: number[]
  /** Absolute value of the largest gradient. */
  largest: number
}

export interface GoldenRun extends StepPlan {
  recipe: GoldenRecipe
  groups: GoldenGroup[]
  /** Per step. */
  multipliers: number[]
  loss: number[]
  losses: number[][]
  items: number[][]
  gradientNorm: number[]
}

/** One family; its arrays lie in the safetensors file beside it, by kind and parameter. */
export interface TrainingGolden {
  base: string
  corpus: GoldenCorpus
  heads: HeadShape[]
  tasks: GoldenTask[]
  /** For tables: the rows that the arrays contain. */
  rows: Record<string, number[]>
  window: GoldenWindow
  runs: Record<'adamw' | 'adam', GoldenRun>
  curve: Omit<GoldenRun, 'losses' | 'items' | 'gradientNorm'> & { bfloat16: number[] }
  /** Statistics of the loss of `intent` on some rows, over many draws of dropout in the encoder, of one kind alone; `everything`: where it drops all. */
  dropout: Record<'hidden' | 'attention', { p: number; rows: number[]; draws: number; mean: number; deviation: number; everything: number }>
}

export interface VariantWindow extends GoldenWindow {
  name: string
  dense: boolean
  uncertainty: boolean
  heads: HeadShape[]
  tasks: GoldenTask[]
  targets: VectorTarget[]
  /** Parameters that Python made no gradient for. */
  absent: string[]
  /** Parameters, and for each: the norm of its gradient, and what `probe` gives. */
  names: string[]
  probes: GoldenMatrix
}

export interface VariantsGolden {
  base: string
  corpus: GoldenCorpus
  cases: VariantWindow[]
  uncertainty: GoldenRun & { heads: HeadShape[]; tasks: GoldenTask[] }
  initial: { seed: number; inputs: number; sizes: number[] }[]
}

export const TRAINED_FAMILIES = ['bert', 'distilbert', 'roberta', 'mpnet']

export function goldenArrays(name: string): string {
  return path.join(__dirname, '..', 'golden', 'training', `${name}.safetensors`)
}

export function tasksOf(tasks: readonly GoldenTask[]): Task[] {
  return tasks.map(({ head, loss, weight, labelSmoothing, classWeights }) =>
    plainTask(head, loss, { weight, labelSmoothing, classWeights: classWeights && Float32Array.from(classWeights) }),
  )
}

export function corpusOf(
  { ids, offsets, labels }: GoldenCorpus,
  tasks: readonly { head: string }[],
  targets: Float32Array[] = [],
): TrainedCorpus {
  return {
    ids: Int32Array.from(ids),
    offsets: Int32Array.from(offsets),
    labels: tasks.map(({ head }) => Int32Array.from(labels[head]!)),
    targets,
  }
}

export function optimizerOf({ optimizer, beta1, beta2, eps }: GoldenRecipe) {
  return { type: optimizer, beta1, beta2, eps }
}

/** The rows of a table of `width` columns that a golden contains, one after the other. */
export function rowsOf(table: Float32Array, rows: readonly number[], width: number): Float32Array {
  const out = new Float32Array(rows.length * width)
  rows.forEach((row, i) => out.set(table.subarray(row * width, (row + 1) * width), i * width))
  return out
}

/** The parameters whose gradients are not those of the golden, by their norm and their probe. */
export function wrongGradients(
  golden: Pick<VariantWindow, 'names' | 'probes' | 'largest'>,
  gradients: ReadonlyMap<string, Float32Array>,
): string[] {
  const probes = floats(golden.probes)
  return golden.names.filter((name, i) => {
    const gradient = gradients.get(name)!
    const [norm, product] = probe(name, gradient)
    const allowed = 1e-5 * golden.largest * Math.sqrt(gradient.length)
    return !(Math.abs(norm - probes[2 * i]!) <= allowed && Math.abs(product - probes[2 * i + 1]!) <= allowed)
  })
}

/** The norm of a gradient, and its product with a vector made of its name: as scripts/golden/training_cases.py has it. */
function probe(name: string, gradient: Float32Array): [number, number] {
  const phase = crc32(name) % 1000
  let [square, product] = [0, 0]
  gradient.forEach((value, i) => {
    square += value * value
    product += value * Math.sin(phase + i + 1)
  })
  return [Math.sqrt(square), product]
}
