/** What watching one measure has seen; plain JSON. */
export interface WatchState {
  /** The best value ever; null before the first that is a number. */
  best: number | null
  /** The last value that was better than the one before by more than `minDelta`. */
  reference: number | null
  /** Evaluations in a row since then. */
  stale: number
}

export interface Watch {
  mode: 'max' | 'min'
  minDelta: number
  /** Infinity: never stop. */
  patience: number
}

export const UNSEEN: Readonly<WatchState> = Object.freeze({ best: null, reference: null, stale: 0 })

/**
 * One more value. `isBest`: better than every one before, by however little: the weights are worth saving. `isOver`: `patience` values in a row
 * were not better than the reference by more than `minDelta`. A value that is not finite is never better.
 */
export function watch(
  state: WatchState,
  value: number,
  { mode, minDelta, patience }: Watch,
): { state: WatchState; isBest: boolean; isOver: boolean } {
  const beyond = (other: number | null, margin: number) =>
    Number.isFinite(value) && (other === null || (mode === 'max' ? value - other > margin : other - value > margin))
  const isBest = beyond(state.best, 0)
  const improved = beyond(state.reference, minDelta)
  const next = {
    best: isBest ? value : state.best,
    reference: improved ? value : state.reference,
    stale: improved ? 0 : state.stale + 1,
  }
  return { state: next, isBest, isOver: next.stale >= patience }
}
