import type { TrainingRequest } from '../../../binding'
import { atLeastZero, belowOne, integerIn, invalid, knownKeys, oneOf, positive } from '../../base/check'
import { keysOf, refusal } from '../../base/arguments'
import { patternsOf, type NamePattern, type ResolvedPattern } from '../parameters/patterns'
import { encoderRateFor, LARGE_DATA } from '../plan/recipe'
import type { TrainContext } from './context'
import type { LossOptions } from './tasks'

/** Optimizer, rates and decays of a trainer. */
export interface OptimizerOptions {
  /** With PyTorch's semantics: `adamw` decays the weights themselves, `adam` adds the decay to the gradient. Defaults to `adamw`. */
  optimizer?: 'adamw' | 'adam'
  /**
   * Learning rate of the top encoder layer at the peak of the schedule, at least 0. Defaults to 1e-4 for encoders with a hidden size of at most 512
   * and to 5e-5 for larger ones.
   */
  learningRate?: number
  /**
   * Learning rate of heads and Dense modules. Defaults to `learningRate` if that is given. Otherwise heads have a rate chosen from the data,
   * 1e-3 to 1e-2 (docs/defaults.md), and Dense modules that of the top encoder layer.
   */
  headLearningRate?: number
  /** Defaults to [0.9, 0.999]. */
  betas?: readonly [number, number]
  /** Defaults to 1e-8. */
  eps?: number
  /** Weight decay. It does not apply to one-dimensional parameters (biases, LayerNorm). Defaults to 0.01 for `adamw` and 0 for `adam`. */
  weightDecay?: number
  /** Factor between the learning rate of a layer and that of the layer above it, above 0 to 1. Defaults to 1. */
  layerDecay?: number
  /** Number of groups of adjacent layers that share a learning rate, 1..layers. Defaults to the number of layers. */
  layerBands?: number
  /** Learning rates and weight decays by parameter name. It is an error if two rules match one parameter or a pattern matches none. */
  groups?: readonly GroupRule[]
}

/** A learning rate or a weight decay for the parameters whose names match. */
export interface GroupRule {
  match: NamePattern | readonly NamePattern[]
  /** Used as given, without `layerDecay`. By default, the rate that the parameters have without the rule. */
  learningRate?: number
  /** Does not apply to one-dimensional parameters. By default, the decay that the parameters have without the rule. */
  weightDecay?: number
}

/** A `GroupRule` after its checks. */
export interface ResolvedGroupRule {
  match: readonly ResolvedPattern[]
  learningRate: number | undefined
  weightDecay: number | undefined
}

/** Learning rates and decays, before they are assigned to parameters. */
export interface ResolvedRates {
  learningRate: number
  headLearningRate: number
  denseLearningRate: number
  uncertaintyLearningRate: number
  weightDecay: number
  layerDecay: number
  /** 1..layers. */
  layerBands: number
  groups: readonly ResolvedGroupRule[]
}

const RULE_KEYS = keysOf<GroupRule>({ match: 1, learningRate: 1, weightDecay: 1 })

export function optimizerOf(options: OptimizerOptions): TrainingRequest['optimizer'] {
  const { optimizer = 'adamw', betas = [0.9, 0.999], eps = 1e-8 } = options
  if (!Array.isArray(betas) || betas.length !== 2) throw invalid('betas', '[β1, β2]', betas)
  const [beta1, beta2] = betas.map((beta: unknown, i) => belowOne(`betas[${i}]`, beta)) as [number, number]
  // In every common setting of Adam, the second moment decays more slowly, so β1 > β2 means that the values were swapped.
  if (beta1 > beta2) throw invalid('betas', '[β1, β2] with β1 ≤ β2', `[${beta1}, ${beta2}]`)
  return { type: oneOf('optimizer', optimizer, ['adamw', 'adam']), beta1, beta2, eps: positive('eps', eps) }
}

export function ratesOf(
  options: OptimizerOptions & Pick<LossOptions, 'uncertainty' | 'uncertaintyLearningRate'>,
  { layers, hiddenSize }: Pick<TrainContext, 'layers' | 'hiddenSize'>,
): ResolvedRates {
  const rate = (name: 'learningRate' | 'headLearningRate' | 'uncertaintyLearningRate', otherwise: number) =>
    options[name] === undefined ? otherwise : atLeastZero(name, options[name])
  const learningRate = rate('learningRate', encoderRateFor(hiddenSize))
  const headLearningRate = rate('headLearningRate', options.learningRate ?? LARGE_DATA.headLearningRate)
  // Adam adds its decay to the gradient (L2), which differs from AdamW's decay, and PyTorch's default for it is 0.
  const { weightDecay = options.optimizer === 'adam' ? 0 : 0.01, layerDecay = 1, layerBands = layers, groups = [] } = options
  if (options.layerBands !== undefined && options.layerDecay === undefined) {
    throw refusal(`'layerBands' has no effect without 'layerDecay'. Set both, or neither.`)
  }
  if (options.uncertaintyLearningRate !== undefined && !options.uncertainty) {
    throw refusal(`'uncertaintyLearningRate' requires 'uncertainty: true'.`)
  }
  const decay = positive('layerDecay', layerDecay)
  if (decay > 1) throw invalid('layerDecay', 'a number above 0 and at most 1', layerDecay)
  if (!Array.isArray(groups)) throw invalid('groups', 'an array of rules', groups)
  return {
    learningRate,
    headLearningRate,
    denseLearningRate: options.headLearningRate ?? learningRate,
    uncertaintyLearningRate: rate('uncertaintyLearningRate', headLearningRate),
    weightDecay: atLeastZero('weightDecay', weightDecay),
    layerDecay: decay,
    layerBands: integerIn('layerBands', layerBands, 1, layers),
    groups: groups.map((rule: GroupRule, i) => ruleOf(`groups[${i}]`, rule)),
  }
}

function ruleOf(name: string, rule: GroupRule): ResolvedGroupRule {
  knownKeys(name, rule, RULE_KEYS)
  const { match, learningRate, weightDecay } = rule
  if (learningRate === undefined && weightDecay === undefined) {
    throw refusal(`${name} has no effect, because it sets neither 'learningRate' nor 'weightDecay'.`)
  }
  return {
    match: patternsOf(`${name}.match`, match),
    learningRate: learningRate === undefined ? undefined : atLeastZero(`${name}.learningRate`, learningRate),
    weightDecay: weightDecay === undefined ? undefined : atLeastZero(`${name}.weightDecay`, weightDecay),
  }
}
