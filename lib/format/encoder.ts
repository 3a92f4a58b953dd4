import type { EncoderSource } from '../../binding'
import type { EncoderConfig } from './config'
import { EMBEDDINGS, FAMILIES, familyOf, IGNORED, type Family } from './families'
import { Ledger, type Misfit } from './ledger'
import type { Weights } from './weights'

export interface EncoderTensors {
  encoder: EncoderSource
  ledger: Ledger
  misfit?: Misfit
}

/** Finds every tensor of the encoder, with or without the family's prefix. `config`: the name of the file that the shapes come from. */
export function encoderTensors(config: EncoderConfig, weights: Weights, configName: string): EncoderTensors {
  const family = familyOf(config.modelType)!
  const ledger = new Ledger(weights, configName)
  const prefix = [...weights.tensors.keys()].some((name) => name.startsWith(`${family.prefix}embeddings.`)) ? family.prefix : ''
  const hidden = config.hiddenSize
  const wide = config.intermediateSize
  const typeTable = prefix + EMBEDDINGS.tokenType
  const encoder: EncoderSource = {
    hiddenSize: hidden,
    heads: config.heads,
    intermediateSize: wide,
    layerNormEps: config.layerNormEps,
    activation: config.activation,
    positionPadding: config.positionPadding,
    wordEmbeddings: ledger.take(prefix + EMBEDDINGS.word, [config.vocabSize, hidden]),
    positionEmbeddings: ledger.take(prefix + EMBEDDINGS.position, [config.maxPositions, hidden]),
    tokenTypeEmbeddings: config.typeVocabSize > 0 ? ledger.take(typeTable, [config.typeVocabSize, hidden]) : null,
    embeddingNorm: ledger.norm(prefix + EMBEDDINGS.norm, hidden),
    layers: Array.from({ length: config.layers }, (_, layer) => {
      const at = (name: keyof Family['names']): string => prefix + family.names[name].replace('#', String(layer))
      return {
        query: ledger.linear(at('query'), hidden, hidden),
        key: ledger.linear(at('key'), hidden, hidden),
        value: ledger.linear(at('value'), hidden, hidden),
        attentionOutput: ledger.linear(at('attentionOutput'), hidden, hidden),
        attentionNorm: ledger.norm(at('attentionNorm'), hidden),
        intermediate: ledger.linear(at('intermediate'), hidden, wide),
        output: ledger.linear(at('output'), wide, hidden),
        outputNorm: ledger.norm(at('outputNorm'), hidden),
      }
    }),
    relativeAttentionBias:
      config.relativeAttentionBuckets > 0
        ? ledger.take(prefix + EMBEDDINGS.relativeAttentionBias, [config.relativeAttentionBuckets, config.heads])
        : null,
  }
  const misfit = ledger.close((name) => {
    const bare = name.startsWith(family.prefix) ? name.slice(family.prefix.length) : name
    // A table of no rows is how transformers writes "no token types".
    if (config.typeVocabSize === 0 && family.tokenTypes && name === typeTable) return weights.tensors.get(name)!.bytes === 0
    return IGNORED.some((pattern) => pattern.test(bare))
  })
  if (misfit === undefined) return { encoder, ledger }
  return { encoder, ledger, misfit: { ...misfit, hint: otherFamily(family, config.modelType, weights) } }
}

/** Names the family that the file looks like, when it is surely another one. */
function otherFamily(family: Family, modelType: string, weights: Weights): string | undefined {
  const query = (f: Family): string => f.names.query.replace('#', '0') + '.weight'
  const holds = (f: Family): boolean => weights.tensors.has(query(f)) || weights.tensors.has(f.prefix + query(f))
  if (holds(family)) return undefined
  const likely = FAMILIES.filter((f) => f !== family && holds(f)).flatMap((f) => f.modelTypes)
  return likely.length > 0 ? `The weights look like ${likely.join(' or ')}, the config says ${modelType}.` : undefined
}
