import type { HeadObjective } from '../../../binding'
import { kindOf } from '../../heads/kinds'
import type { LoadedModel } from '../../model/loaded-model'
import type { Corpus } from '../loop/corpus'
import type { Evaluation } from '../evaluation/outcomes'
import type { ResolvedTask } from '../options/tasks'
import type { ResolvedTrain } from '../options/train'

/** Class weights of each task, as stored in a checkpoint. */
export type TaskWeights = (number[] | null)[]

export function hasBalanced({ tasks }: ResolvedTrain): boolean {
  return tasks.some(({ classWeights }) => classWeights === 'balanced')
}

/** Class weights of each task. `'balanced'` weights are computed from the labels of the corpus; without a corpus they are null. */
export function taskWeights(model: Pick<LoadedModel, 'heads'>, { tasks }: ResolvedTrain, corpus: Corpus | undefined): TaskWeights {
  return tasks.map(({ head: name, classWeights }, t) => {
    if (classWeights !== 'balanced') return classWeights && Array.from(classWeights)
    if (corpus === undefined) return null
    const head = model.heads.require(name)
    return Array.from(kindOf(head).balancedWeights(corpus.labels[t]!, head.labels.length))
  })
}

/** The losses of the heads that are trained, in the order of the tasks. */
export function headObjectives({ tasks }: ResolvedTrain, weights: TaskWeights): HeadObjective[] {
  return tasks.map(({ head, loss, labelSmoothing, inputDropout, dropout, ...task }, t) => ({
    type: 'head',
    head,
    loss,
    labelSmoothing,
    inputDropout,
    dropout,
    weight: fixedWeight(task),
    classWeights: weights[t] ? Float32Array.from(weights[t]) : null,
  }))
}

/** The weight of a task's loss until the first epoch starts; a function has not been called then. */
export function fixedWeight({ weight }: Pick<ResolvedTask, 'weight'>): number {
  return typeof weight === 'function' ? 1 : weight
}

/** The weights of the losses for an epoch, in the order of the tasks; null if none of them is a function. */
export function epochWeights({ tasks }: Pick<ResolvedTrain, 'tasks'>, epoch: number, last: Evaluation | undefined): number[] | null {
  if (!tasks.some(({ weight }) => typeof weight === 'function')) return null
  return tasks.map(({ weight }) => (typeof weight === 'function' ? weight(epoch, last) : weight))
}

/** The weight of each head's loss, as of the current or last epoch. */
export function lossWeights({ tasks }: Pick<ResolvedTrain, 'tasks'>, weights: readonly number[] | null): Map<string, number> {
  return new Map(tasks.map((task, t) => [task.head, weights?.[t] ?? fixedWeight(task)]))
}
