import type { ParameterInfo } from '../../../binding'
import { refusal } from '../../base/arguments'
import type { ResolvedRates } from '../options/optimizer'
import type { ResolvedTrain } from '../options/train'
import { layerOf } from './freezing'
import { matching, patternText } from './patterns'

/** Parameters with the same learning rate and weight decay. */
export interface ParameterGroup {
  /** `embeddings`, `layer 5`, `layers 2-3` (a band), `heads` (with the Dense modules), the patterns of a rule, or `uncertainty`. */
  name: string
  /** Indices in the native list of parameters. */
  parameters: number[]
  names: string[]
  /** Total number of elements. */
  count: number
  /** Learning rate at the peak of the schedule. */
  learningRate: number
  weightDecay: number
  /** Whether their gradients are clipped and count in the norm. */
  clip: boolean
}

interface Place {
  name: string
  /** Order in the table: embeddings, layers from the lowest, heads, rules, uncertainty. */
  order: number
  learningRate: number
  weightDecay: number
}

/**
 * Assigns each parameter that is not frozen to exactly one group; groups without parameters are left out.
 * Layer i of L (0 lowest) has `learningRate · layerDecay^(L−1−i)`, the embeddings `learningRate · layerDecay^L`. In k bands, cut at ⌊j·L/k⌋,
 * band b has `learningRate · layerDecay^(k−1−b)`, the embeddings `learningRate · layerDecay^k`; k = L gives the rates without bands.
 * MPNet's relative-position bias has the rate of the lowest layer. One-dimensional weights have no decay.
 * ERR_INVALID_ARGUMENT if a rule matches nothing, two rules match one parameter, or a decay is set only for one-dimensional weights.
 */
export function parameterGroups(
  parameters: readonly ParameterInfo[],
  { rates }: Pick<ResolvedTrain, 'rates'>,
  layers: number,
  frozen: ReadonlySet<number>,
): ParameterGroup[] {
  const ruled = ruleOfEach(parameters, rates)
  const groups = new Map<string, ParameterGroup & { order: number }>()
  parameters.forEach((info, i) => {
    if (frozen.has(i)) return
    const { name, order, learningRate, weightDecay } = withRule(placeOf(info, rates, layers), ruled.get(i), rates, layers)
    const decay = info.shape.length > 1 ? weightDecay : 0
    const key = JSON.stringify([order, name, learningRate, decay])
    const group = groups.get(key) ?? {
      name,
      parameters: [],
      names: [],
      count: 0,
      learningRate,
      weightDecay: decay,
      clip: info.part !== 'uncertainty',
      order,
    }
    groups.set(key, group)
    group.parameters.push(i)
    group.names.push(info.name)
    group.count += info.shape.reduce((product, size) => product * size, 1)
  })
  return [...groups.values()].sort((a, b) => a.order - b.order || b.weightDecay - a.weightDecay).map(({ order: _, ...group }) => group)
}

/** The band of a layer: band j of k begins at layer ⌊j·layers/k⌋. */
export function bandOf(layer: number, layers: number, bands: number): number {
  let band = 0
  while (band + 1 < bands && Math.floor(((band + 1) * layers) / bands) <= layer) band++
  return band
}

function placeOf(info: ParameterInfo, rates: ResolvedRates, layers: number): Place {
  const { learningRate, headLearningRate, denseLearningRate, uncertaintyLearningRate, layerDecay, layerBands, weightDecay } = rates
  switch (info.part) {
    case 'embeddings':
      return { name: 'embeddings', order: 0, learningRate: learningRate * layerDecay ** layerBands, weightDecay }
    case 'layer':
    case 'relative-bias': {
      const band = bandOf(layerOf(info), layers, layerBands)
      const first = Math.floor((band * layers) / layerBands)
      const last = Math.floor(((band + 1) * layers) / layerBands) - 1
      const name = first === last ? `layer ${first}` : `layers ${first}-${last}`
      return { name, order: 1 + band, learningRate: learningRate * layerDecay ** (layerBands - 1 - band), weightDecay }
    }
    case 'dense':
    case 'head':
      return { name: 'heads', order: layers + 1, learningRate: info.part === 'head' ? headLearningRate : denseLearningRate, weightDecay }
    case 'uncertainty':
      return { name: 'uncertainty', order: Infinity, learningRate: uncertaintyLearningRate, weightDecay: 0 }
  }
}

/** A rule moves a parameter into separate groups; a value that the rule does not set keeps its default for that place. */
function withRule(place: Place, rule: number | undefined, { groups }: ResolvedRates, layers: number): Place {
  if (rule === undefined) return place
  const { match, learningRate, weightDecay } = groups[rule]!
  const text = patternText(match)
  return {
    name: learningRate === undefined ? `${text} in ${place.name}` : text,
    order: layers + 2 + rule,
    learningRate: learningRate ?? place.learningRate,
    weightDecay: weightDecay ?? place.weightDecay,
  }
}

/** For each parameter that a rule matches, the index of the rule in `groups`. */
function ruleOfEach(parameters: readonly ParameterInfo[], { groups }: ResolvedRates): Map<number, number> {
  const ruled = new Map<number, number>()
  groups.forEach(({ match, weightDecay }, rule) => {
    const found = matching(parameters, match, `groups[${rule}].match`)
    for (const i of found) {
      const other = ruled.get(i)
      if (other !== undefined) {
        throw refusal(`Both groups[${other}] (${patternText(groups[other]!.match)}) and groups[${rule}] (${patternText(match)}) match ${parameters[i]!.name}. Narrow one of them.`) // prettier-ignore
      }
      ruled.set(i, rule)
    }
    if (weightDecay && ![...found].some((i) => parameters[i]!.shape.length > 1)) {
      throw refusal(
        `groups[${rule}] sets a 'weightDecay' but matches only one-dimensional weights, to which weight decay is never applied.`,
      )
    }
  })
  return ruled
}
