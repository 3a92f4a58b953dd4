import { atLeastZero, integerIn, invalid, knownKeys } from '../../base/check'
import { keysOf } from '../../base/arguments'

/** When the learning rates of `schedule: 'plateau'` are reduced, with the names and defaults of PyTorch's `ReduceLROnPlateau`. */
export interface PlateauOptions {
  /** Factor of each reduction, above 0 and below 1. Defaults to 0.1. */
  factor?: number
  /** Number of consecutive evaluations without an improvement that are tolerated; the next one reduces the rates. Defaults to 10. */
  patience?: number
  /** An improvement is a score above best · (1 + threshold). Defaults to 1e-4. */
  threshold?: number
  /** Number of evaluations after a reduction during which nothing is counted. Defaults to 0. */
  cooldown?: number
}

export type ResolvedPlateau = Required<PlateauOptions>

/** Plain JSON, for checkpoints. */
export interface PlateauState {
  /** The best score; null before the first one. */
  best: number | null
  /** Number of consecutive evaluations without an improvement. */
  stale: number
  /** Remaining evaluations of the cooldown. */
  cooldown: number
  /** The product of all reductions. */
  multiplier: number
}

export const FULL_RATE: Readonly<PlateauState> = Object.freeze({ best: null, stale: 0, cooldown: 0, multiplier: 1 })

export function plateauOf(options: PlateauOptions = {}): ResolvedPlateau {
  knownKeys('plateau', options, keysOf<PlateauOptions>({ factor: 1, patience: 1, threshold: 1, cooldown: 1 }))
  const { factor = 0.1, patience = 10, threshold = 1e-4, cooldown = 0 } = options
  if (typeof factor !== 'number' || !(factor > 0 && factor < 1)) throw invalid('plateau.factor', 'a number above 0 and below 1', factor)
  return {
    factor,
    patience: integerIn('plateau.patience', patience, 0, Number.MAX_SAFE_INTEGER),
    threshold: atLeastZero('plateau.threshold', threshold),
    cooldown: integerIn('plateau.cooldown', cooldown, 0, Number.MAX_SAFE_INTEGER),
  }
}

/** The state after an evaluation, as `ReduceLROnPlateau` with mode 'max' and threshold_mode 'rel'. A score of NaN never improves it. */
export function afterScore({ best, stale, cooldown, multiplier }: PlateauState, score: number, options: ResolvedPlateau): PlateauState {
  const isBetter = best === null ? score > -Infinity : score > best * (1 + options.threshold)
  const counted = isBetter || cooldown > 0 ? 0 : stale + 1
  const reduces = counted > options.patience
  return {
    best: isBetter ? score : best,
    stale: reduces ? 0 : counted,
    cooldown: reduces ? options.cooldown : Math.max(0, cooldown - 1),
    multiplier: reduces ? multiplier * options.factor : multiplier,
  }
}
