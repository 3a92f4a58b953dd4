import { fromNative } from '../../native/call'
import type { FitState } from './history'
import type { Session } from './session'
import type { TrainingState } from './state'

/**
 * The weights of the best evaluation of a fit. They are copied in native memory when the next step would change them, so that nothing is copied
 * if the best weights are the last ones.
 */

/** Whether there is such a copy: the fit restores its best weights, and steps have run since. A function of the state, as for checkpoints. */
export function hasKept({ fit, attempted }: Pick<TrainingState, 'fit' | 'attempted'>): boolean {
  return fit !== null && fit.course.restoreBest && fit.best >= 0 && stepOfBest(fit) < attempted - fit.firstStep
}

/** Called before the next step. Copies the current weights if they are the best so far. */
export async function keepBest(session: Session): Promise<void> {
  const { fit, attempted } = session.state
  if (!fit?.course.restoreBest || fit.best < 0 || stepOfBest(fit) !== attempted - fit.firstStep) return
  await session.queue.run(() => fromNative(session.model.native.keep(Int32Array.from(keptParameters(session)))))
}

/**
 * Ends a fit: sets the model to its best weights, if it restores them, and frees the copy. The optimizer's state stays that of the last step.
 * Both happen in one turn of the queue, so that no checkpoint can come between them.
 */
export async function settleBest(session: Session): Promise<void> {
  const { state, model } = session
  await session.queue.run(async () => {
    if (hasKept(state)) {
      await fromNative(model.native.revert())
      noteBest(session)
    } else if (state.fit?.course.restoreBest) await fromNative(model.native.keep(new Int32Array()))
    state.fit = null
  })
}

/** For `model.save`: the recipe counts the steps of the whole training, but the weights are earlier ones. */
function noteBest({ model, state: { fit } }: Session): void {
  const { epoch, step, value } = fit!.evaluations[fit!.best]!
  model.folder = { ...model.folder, training: { ...model.folder.training, restored: { epoch, step, value } } }
}

/** The parameters that may change during training, as indices. The learned weights of the losses do not belong to the model. */
export function keptParameters({ parameters, groups, options }: Session): number[] {
  const mayChange = (i: number) => options.unfreeze.length > 0 || groups.some((group) => group.parameters.includes(i))
  return parameters.flatMap(({ part }, i) => (part !== 'uncertainty' && mayChange(i) ? [i] : []))
}

function stepOfBest({ evaluations, best }: FitState): number {
  return evaluations[best]!.step
}
