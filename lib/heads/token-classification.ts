import { invalid } from '../base/check'
import { refusal } from '../base/arguments'
import { argmax, softmax } from '../base/math'
import type { LabelValue, Span } from '../data/example'
import { entityReport } from '../metrics'
import { isSpans, schemeOfLabels, tagsOfSpans } from '../tags/schemes'
import { decoderOf } from '../tags/viterbi'
import { balancedWeights, crossEntropy, shapeOf } from './classification'
import { NO_LABEL, type CheckpointForm, type HeadKind, type TagMetrics } from './kind'
import { tagText } from './tagging'

/** transformers' `*ForTokenClassification`: one linear layer on the state of each token. It has the same name in every family. */
const tokenCheckpoint: CheckpointForm = {
  as: 'token-classification',
  className: 'ForTokenClassification',
  type: 'token-classification',
  headName: 'tokens',
  layers: () => ['classifier'],
  definition: ({ dropout }, _hiddenSize, _multiLabel, rate) => ({ inputDropout: rate(dropout.tokens), dropout: 0 }),
  differences: ({ hidden }) => (hidden.length === 0 ? [] : [`that class is linear, the head has hidden layers [${hidden.join(', ')}]`]),
  settings: () => ({}),
  dropout: (head, { dropout }) => ({ keys: dropout.tokens, rate: head.inputDropout }),
}

/** One tag per word, from the states of its tokens. Sequences of tags form entities. */
export const tokenClassification: HeadKind<string[], TagMetrics> = {
  name: 'token-classification',
  matches: () => true,

  native: 'token-classification',
  perToken: true,
  inputs: (_, { config }) => ({ pooling: [], steps: [], inputs: config.hiddenSize }),
  checkDefinition({ name, labels, multiLabel, pooling }) {
    if (labels.length < 2) throw invalid('labels', "at least two tags (one of them is usually 'O')", labels[0])
    if (multiLabel) throw refusal(`'multiLabel' is for classification heads: a token has one tag.`)
    if (pooling !== undefined) throw refusal(`'pooling' is for classification heads: '${name}' reads the states of the tokens.`)
  },
  checkExtension() {},

  /** Spans are converted to tags in the scheme of the head's labels. */
  gold({ name, labels }, { value, givenWords, words, refuse }) {
    if (typeof value === 'string' || typeof value === 'boolean') {
      throw refuse(`head '${name}' takes entities or one tag per word, but labels.${name} is ${shapeOf(value)}.`)
    }
    if (value.length === 0 || isSpans(value)) {
      const { tags, lost } = tagsOfSpans(value as readonly Span[], words, schemeOfLabels(labels))
      return { gold: tags, entitiesLost: lost }
    }
    if (givenWords === undefined) throw refuse(`labels.${name} is a list of tags, one per word, but the example has no 'words'.`)
    if (value.length !== givenWords) throw refuse(`labels.${name} has ${value.length} tags for ${givenWords} words.`)
    return { gold: [...value], entitiesLost: 0 }
  },
  needsAllWords: (value: LabelValue | undefined) => isSpans(value),
  targetSize: () => 1,
  writeTargets(targets, gold, { idOf, ids: known, wordOfToken, labelSubwords }) {
    // All tags are looked up, including those beyond the token limit: whether a tag is refused must not depend on the limit.
    const ids = gold.map(idOf)
    if (labelSubwords === 'all') {
      const continued = gold.map((tag, word) => (ids[word] === NO_LABEL ? NO_LABEL : (known.get(continuationOf(tag)) ?? ids[word]!)))
      wordOfToken.forEach((word, token) => (targets[token] = continued[word] ?? NO_LABEL))
    }
    forFirstTokens(wordOfToken, (token, word) => (targets[token] = ids[word]!))
  },

  loss: 'cross-entropy',
  balancedWeights,

  predictOptions: ['aggregation', 'constrained', 'words', 'tokens', 'stride'],
  predictor(head, options) {
    const decoder = options.constrained ? decoderOf(head.labels) : undefined
    return (logits, text) => tagText(head, text, logits, options, decoder)
  },

  outcome: 'token-classification',
  judge({ labels }, { gold, logits, targets, wordOfToken }, addLoss) {
    const predicted = new Array<string>(gold.length).fill('O')
    const rowOf = (token: number) => logits.subarray(token * labels.length, (token + 1) * labels.length)
    forFirstTokens(wordOfToken, (token, word) => (predicted[word] = labels[argmax(rowOf(token))]!))
    targets.forEach((target, token) => {
      if (target !== NO_LABEL) addLoss(crossEntropy(rowOf(token), target))
    })
    return predicted
  },
  decides: 'word',
  decisions({ labels }, { gold, logits, wordOfToken }, predicted) {
    const confidences = new Array<number>(gold.length).fill(NaN)
    forFirstTokens(wordOfToken, (token, word) => {
      confidences[word] = Math.max(...softmax(logits.subarray(token * labels.length, (token + 1) * labels.length)))
    })
    return gold.map((tag, word) => ({ gold: tag, predicted: predicted[word]!, confidence: confidences[word]! }))
  },
  metrics(head, gold, predicted) {
    const scheme = schemeOfLabels([...new Set([...head.labels, ...gold.flat()])])
    const { types, micro } = entityReport(gold, predicted, scheme === 'BILOU' ? { scheme } : {})
    const strict = scheme && entityReport(gold, predicted, { scheme }).micro
    return {
      accuracy: wordAccuracy(gold, predicted),
      precision: micro.precision,
      recall: micro.recall,
      f1: micro.f1,
      ...(strict && { strict: { scheme, precision: strict.precision, recall: strict.recall, f1: strict.f1 } }),
      types,
    }
  },
  mainMeasure: (_, { f1 }) => f1,
  metricsForm: {
    accuracy: 'measure',
    precision: 'measure',
    recall: 'measure',
    f1: 'measure',
    strict: { scheme: 'scheme', precision: 'measure', recall: 'measure', f1: 'measure' },
    types: 'label scores',
  },

  checkpoint: tokenCheckpoint,
}

/** The tag inside a word whose first token has `tag`, as `label_all_tokens` of transformers' examples continues BIO. */
function continuationOf(tag: string): string {
  return tag.replace(/^B-/, 'I-')
}

/** The first token of a word carries the word's own label, in training and in evaluation. */
function forFirstTokens(wordOfToken: Int32Array, visit: (token: number, word: number) => void): void {
  let last = -1
  wordOfToken.forEach((word, token) => {
    if (word <= last) return
    last = word
    visit(token, word)
  })
}

function wordAccuracy(gold: readonly (readonly string[])[], predicted: readonly (readonly string[])[]): number {
  let [right, words] = [0, 0]
  gold.forEach((tags, i) => {
    words += tags.length
    tags.forEach((tag, word) => (right += Number(tag === predicted[i]![word])))
  })
  return words === 0 ? 0 : right / words
}
