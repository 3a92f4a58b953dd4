import type { ParameterInfo } from '../../binding'
import type { Head } from '../../lib/heads/definition'
import { resolveTrain, type ResolvedTrain, type TrainerOptions } from '../../lib/training/options/train'
import type { TrainContext } from '../../lib/training/options/context'

export const LAYERS = 6

export function head(name: string, changes: Partial<Head> = {}): Head {
  return {
    name,
    type: 'classification',
    labels: ['a', 'b', 'c'],
    hidden: [],
    activation: 'relu',
    inputDropout: 0.1,
    dropout: 0.1,
    pooling: undefined,
    multiLabel: false,
    ...changes,
  }
}

/** A model of six layers with the heads `intent` (three labels) and `slots` (two tags). */
export const context: TrainContext = {
  heads: [head('intent'), head('slots', { type: 'token-classification', labels: ['O', 'B-x'] })],
  layers: LAYERS,
  hiddenSize: 32,
  maxLength: 64,
  usablePositions: 128,
  hiddenDropout: 0.1,
  attentionDropout: 0.2,
}

export function resolved(options: TrainerOptions = {}): ResolvedTrain {
  return resolveTrain(options, context)
}

function info(name: string, shape: number[], part: ParameterInfo['part'], index = -1, of = ''): ParameterInfo {
  return { name, shape, part, index, head: of }
}

function linear(name: string, outputs: number, inputs: number, part: ParameterInfo['part'], index = -1, of = ''): ParameterInfo[] {
  return [info(`${name}.weight`, [outputs, inputs], part, index, of), info(`${name}.bias`, [outputs], part, index, of)]
}

function norm(name: string, part: ParameterInfo['part'], index = -1): ParameterInfo[] {
  return [info(`${name}.weight`, [8], part, index), info(`${name}.bias`, [8], part, index)]
}

/** As `BertModel` of transformers names them, for hidden size 8, intermediate size 16, 11 words, 12 positions. */
export function bertParameters(layers = LAYERS): ParameterInfo[] {
  return [
    info('embeddings.word_embeddings.weight', [11, 8], 'embeddings'),
    info('embeddings.position_embeddings.weight', [12, 8], 'embeddings'),
    info('embeddings.token_type_embeddings.weight', [2, 8], 'embeddings'),
    ...norm('embeddings.LayerNorm', 'embeddings'),
    ...Array.from({ length: layers }, (_, i) => {
      const at = `encoder.layer.${i}`
      return [
        ...['query', 'key', 'value'].flatMap((name) => linear(`${at}.attention.self.${name}`, 8, 8, 'layer', i)),
        ...linear(`${at}.attention.output.dense`, 8, 8, 'layer', i),
        ...norm(`${at}.attention.output.LayerNorm`, 'layer', i),
        ...linear(`${at}.intermediate.dense`, 16, 8, 'layer', i),
        ...linear(`${at}.output.dense`, 8, 16, 'layer', i),
        ...norm(`${at}.output.LayerNorm`, 'layer', i),
      ]
    }).flat(),
  ]
}

export const relativeBias = info('encoder.relative_attention_bias.weight', [32, 2], 'relative-bias')
export const dense = linear('dense.0.linear', 8, 8, 'dense', 0)
export const heads = [...linear('heads.intent.0', 7, 8, 'head', 0, 'intent'), ...linear('heads.slots.0', 9, 8, 'head', 0, 'slots')]
export const uncertainty = [info('uncertainty.intent', [1], 'uncertainty'), info('uncertainty.slots', [1], 'uncertainty')]

export function namesOf(parameters: readonly ParameterInfo[], places: Iterable<number>): string[] {
  return [...places].sort((a, b) => a - b).map((i) => parameters[i]!.name)
}

export function refused(...parts: string[]): Error {
  return expect.objectContaining({
    code: 'ERR_INVALID_ARGUMENT',
    message: expect.stringMatching(new RegExp(parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('[^]*'))),
  })
}
