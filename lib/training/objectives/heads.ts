import type { HeadObjective } from '../../../binding'
import { kindOf } from '../../heads/kinds'
import type { LoadedModel } from '../../model/loaded-model'
import type { Corpus } from '../loop/corpus'
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
  return tasks.map((task, t) => ({ type: 'head', ...task, classWeights: weights[t] ? Float32Array.from(weights[t]) : null }))
}
