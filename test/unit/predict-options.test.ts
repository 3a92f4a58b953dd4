import type { Head } from '../../lib/heads/definition'
import { resolvePredict, type PredictContext, type PredictOptions } from '../../lib/predict/options'

const base = { hidden: [], activation: 'relu', inputDropout: 0, dropout: 0, pooling: undefined, multiLabel: false } as const
const intent: Head = { ...base, name: 'intent', type: 'classification', labels: ['a', 'b'] }
const topics: Head = { ...base, name: 'topics', type: 'classification', labels: ['a', 'b'], multiLabel: true }
const slots: Head = { ...base, name: 'slots', type: 'token-classification', labels: ['O', 'B-a'] }

function contextOf(...list: Head[]): PredictContext {
  const require = (name: string) => {
    const found = list.find((head) => head.name === name)
    if (!found) throw new Error(`none of that name: ${name}`)
    return found
  }
  return {
    heads: { list, require },
    surroundings: { before: 1, after: 1 },
    modules: {
      pooling: ['mean'],
      steps: [],
      dense: [],
      prompts: {},
      defaultPromptName: undefined,
      maxSeqLength: 48,
      truncateDim: undefined,
    },
    config: { hiddenSize: 32, usablePositions: 64 },
  }
}
const all = contextOf(intent, topics, slots)

test('defaults: every head, no embedding, first sub-words, a quarter of a window shared', () => {
  expect(resolvePredict(undefined, all)).toEqual({
    heads: [intent, topics, slots],
    embedding: undefined,
    topK: 0,
    truncation: 'cut',
    onTruncated: undefined,
    logits: false,
    threshold: 0.5,
    rejectBelow: 0,
    aggregation: 'first',
    constrained: false,
    words: false,
    tokens: false,
    stride: 11,
    maxLength: 48,
    batchTokens: 2048,
    onProgress: undefined,
    signal: undefined,
  })
})

test('a model without heads says why a classifier of its folder is none', () => {
  expect(() => resolvePredict({}, contextOf())).toThrow('This model has no heads. Add one with addHead, or pass')
  expect(() => resolvePredict({}, { ...contextOf(), classifierNote: 'It is a regression.' })).toThrow(
    'no heads. It is a regression. Add one',
  )
})

test('heads in the order asked', () => {
  expect(resolvePredict({ heads: ['slots', 'intent'] }, all).heads).toEqual([slots, intent])
})

test('the embedding is the one of encode without a prompt', () => {
  const context = contextOf()
  context.modules = { ...context.modules, prompts: { p: 'prompt: ' }, defaultPromptName: 'p', steps: ['normalize'] }
  const { embedding, heads } = resolvePredict({ embedding: true }, context)
  expect(heads).toEqual([])
  expect(embedding).toMatchObject({ prompt: '', pooling: ['mean'], steps: ['normalize'], truncateDim: 0, dimension: 32 })
})

test.each<[string, unknown, PredictContext, string]>([
  ['an unknown option', { head: 'intent' }, all, "Unknown option 'head' for predict. Did you mean 'heads'?"],
  ['no options object', 'intent', all, 'Expected an options object for predict'],
  ['heads that are no list', { heads: 'intent' }, all, 'Expected an array of names for heads, received "intent".'],
  ['a head that is no name', { heads: [1] }, all, 'Expected a string for heads[0], received 1.'],
  ['a head twice', { heads: ['intent', 'intent'] }, all, 'Expected each name at most once for heads'],
  ['nothing asked', { heads: [] }, all, "There is nothing to predict: 'heads' is empty and 'embedding' is not true."],
  ['no heads', {}, contextOf(), 'This model has no heads. Add one with addHead, or pass { embedding: true }.'],
  ['embedding', { embedding: 1 }, all, 'Expected a boolean for embedding, received 1.'],
  ['topK', { topK: 0 }, all, 'for topK, received 0.'],
  ['threshold', { threshold: 1.5 }, all, 'Expected a number in 0..1 for threshold, received 1.5.'],
  ['threshold', { threshold: NaN }, all, 'for threshold, received NaN.'],
  ['rejectBelow', { rejectBelow: '0.5' }, all, 'Expected a number in 0..1 for rejectBelow, received "0.5".'],
  ['aggregation', { aggregation: 'last' }, all, "Expected one of 'first', 'average', 'max', 'none' for aggregation"],
  ['constrained', { constrained: 'yes' }, all, 'Expected a boolean for constrained'],
  ['words', { words: 1 }, all, 'Expected a boolean for words'],
  ['tokens', { tokens: null }, all, 'Expected a boolean for tokens'],
  ['logits', { logits: 0 }, all, 'Expected a boolean for logits'],
  ['a stride as long as the window', { stride: 46 }, all, 'Expected an integer in 0..45 for stride, received 46.'],
  ['a stride of a shorter window', { stride: 8, maxLength: 10 }, all, 'Expected an integer in 0..7 for stride, received 8.'],
  ['no room for a token', { maxLength: 2 }, all, 'Expected at least 3 (the special tokens and one more) for maxLength'],
  ['maxLength', { maxLength: 65 }, all, 'Expected an integer in 2..64 for maxLength, received 65.'],
  ['batchTokens', { batchTokens: 0 }, all, 'for batchTokens, received 0.'],
  ['onProgress', { onProgress: 1 }, all, 'Expected a function for onProgress'],
  ['signal', { signal: {} }, all, 'Expected an AbortSignal for signal'],
  [
    'topK without classes',
    { topK: 2, heads: ['slots'] },
    all,
    "'topK' is for single-label, multi-label and binary heads; the call uses slots (token-classification).",
  ],
  [
    'threshold without a head for it',
    { threshold: 0.4, heads: ['intent'] },
    all,
    "'threshold' is for multi-label and binary heads; the call uses intent (single-label).",
  ],
  ['rejectBelow without a head for it', { rejectBelow: 0.4, heads: ['topics'] }, all, "'rejectBelow' is for single-label heads"],
  [
    'words without tags',
    { words: true, heads: ['intent'] },
    all,
    "'words' is for token-classification heads; the call uses intent (single-label).",
  ],
  [
    'stride without tags',
    { stride: 1, heads: [], embedding: true },
    all,
    "'stride' is for token-classification heads; the call uses no head.",
  ],
])('%s is refused', (_name, options, context, message) => {
  const attempt = () => resolvePredict(options as PredictOptions, context)
  expect(attempt).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining(message) as string }))
})

test('what a head gives anyway may be switched off, and room for the special tokens is enough where no token is looked at', () => {
  expect(resolvePredict({ heads: ['intent'], words: false, maxLength: 2 }, all)).toMatchObject({ words: false, stride: 0, maxLength: 2 })
})
