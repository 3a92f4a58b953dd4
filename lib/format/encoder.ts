import type { EncoderSource } from '../../binding'
import type { EncoderConfig } from './config'
import { EMBEDDINGS, FAMILIES, familyOf, IGNORED, type Family } from './families'
import { Ledger, type Misfit } from './ledger'
import type { Weights } from './weights'

export interface EncoderTensors {
  encoder: EncoderSource
  ledger: Ledger
  /** What does not fit, once everything that lies beside the encoder was taken too. */
  close: () => Misfit | undefined
}

/** Finds every tensor of the encoder, with or without the family's prefix; they are named as AutoModel names them. `config`: the name of the file that the shapes come from. */
export function encoderTensors(config: EncoderConfig, weights: Weights, configName: string): EncoderTensors {
  const family = familyOf(config.modelType)!
  const prefix = encoderPrefix(family, weights)
  const ledger = new Ledger(weights, configName, prefix)
  const hidden = config.hiddenSize
  const wide = config.intermediateSize
  const encoder: EncoderSource = {
    hiddenSize: hidden,
    heads: config.heads,
    intermediateSize: wide,
    layerNormEps: config.layerNormEps,
    activation: config.activation,
    positionPadding: config.positionPadding,
    wordPadding: config.wordPadding,
    wordEmbeddings: ledger.take(EMBEDDINGS.word, [config.vocabSize, hidden]),
    positionEmbeddings: ledger.take(EMBEDDINGS.position, [config.maxPositions, hidden]),
    tokenTypeEmbeddings: config.typeVocabSize > 0 ? ledger.take(EMBEDDINGS.tokenType, [config.typeVocabSize, hidden]) : null,
    embeddingNorm: ledger.norm(EMBEDDINGS.norm, hidden),
    layers: Array.from({ length: config.layers }, (_, layer) => {
      const at = (name: keyof Family['names']): string => family.names[name].replace('#', String(layer))
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
        ? ledger.take(EMBEDDINGS.relativeAttentionBias, [config.relativeAttentionBuckets, config.heads])
        : null,
  }
  const ignored = (name: string): boolean => {
    // A table of no rows is how transformers writes "no token types".
    const noTypes = config.typeVocabSize === 0 && family.tokenTypes && name === prefix + EMBEDDINGS.tokenType
    return noTypes ? weights.tensors.get(name)!.bytes === 0 : IGNORED.some((pattern) => pattern.test(bareName(family, name)))
  }
  const close = (): Misfit | undefined => {
    const misfit = ledger.close(ignored)
    return misfit && { ...misfit, hint: otherFamily(family, config.modelType, weights) }
  }
  return { encoder, ledger, close }
}

/** What stands before the encoder's tensors in this file: the family's prefix where it was saved with a head on top, else nothing. */
export function encoderPrefix(family: Family, weights: Weights): string {
  return [...weights.tensors.keys()].some((name) => name.startsWith(`${family.prefix}embeddings.`)) ? family.prefix : ''
}

/** As AutoModel names it. */
export function bareName(family: Family, name: string): string {
  return name.startsWith(family.prefix) ? name.slice(family.prefix.length) : name
}

/** Names the family that the file looks like, when it is surely another one. */
function otherFamily(family: Family, modelType: string, weights: Weights): string | undefined {
  const query = (f: Family): string => f.names.query.replace('#', '0') + '.weight'
  const holds = (f: Family): boolean => weights.tensors.has(query(f)) || weights.tensors.has(f.prefix + query(f))
  if (holds(family)) return undefined
  const likely = FAMILIES.filter((f) => f !== family && holds(f)).flatMap((f) => f.modelTypes)
  return likely.length > 0 ? `The weights look like ${likely.join(' or ')}, the config says ${modelType}.` : undefined
}
