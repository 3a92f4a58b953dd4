import { Dataset } from '../../lib'
import { resolveEncode, resolveStream } from '../../lib/encode/options'
import { search } from '../../lib/encode/search'
import { resolveEpoch } from '../../lib/training/options/epoch'
import { resolveEvaluate, resolveFit } from '../../lib/training/options/fit'
import { resolveHead } from '../../lib/heads/options'
import { resolveLoad } from '../../lib/model/load-options'
import { resolvePredict } from '../../lib/predict/options'
import { resolveSave } from '../../lib/model/save'
import { resolveTrain } from '../../lib/training/options/train'
import { namedOptions } from '../../lib/base/words'
import { trainEpochOf } from '../../lib/training/shorthands'

const none = {} as any
const dataset = Dataset.from([{ text: 'a', labels: {} }])

const CALLS: Record<string, (options: any) => unknown> = {
  load: (options) => resolveLoad(options),
  encode: (options) => resolveEncode(options, none),
  encodeStream: (options) => resolveStream(options, none),
  search: (options) => search([], [], options),
  predict: (options) => resolvePredict(options, none),
  save: (options) => resolveSave('x', options, []),
  addHead: (options) => resolveHead(options),
  trainer: (options) => resolveTrain(options, none),
  trainEpoch: (options) => resolveEpoch(options),
  fit: (options) => resolveFit(options, [], undefined),
  evaluate: (options) => resolveEvaluate(options, []),
  split: async (options) => (await dataset).split(options),
}

async function refusal(call: string, options: object): Promise<string> {
  try {
    await CALLS[call]!(options)
  } catch (error) {
    return (error as Error).message
  }
  throw new Error(`${call} takes ${JSON.stringify(options)}`)
}

test.each(namedOptions())('%s has the option %s, as the hints say', async (call, option) => {
  const known = /Known options: (.*)\.$/.exec(await refusal(call, { nonsenseNobodyMeant: 1 }))![1]!.split(', ')
  expect(known).toContain(option)
})

test.each([
  ['predict', 'task', "Did you mean 'heads'?"],
  ['predict', 'aggregation_strategy', "Did you mean 'aggregation'?"],
  ['predict', 'top_k', "Did you mean 'topK'?"],
  ['trainer', 'lr', "Did you mean 'learningRate'?"],
  ['trainer', 'per_device_train_batch_size', "Did you mean 'batchSize'?"],
  ['trainer', 'weight_decay', "Did you mean 'weightDecay'?"],
  ['trainer', 'batch_size', "Did you mean 'batchSize'?"],
  ['encode', 'batch_size', "Did you mean 'batchTokens'?"],
  ['encode', 'normalize_embeddings', "Did you mean 'normalize'?"],
  ['encode', 'convert_to_tensor', 'Vectors are always typed arrays.'],
  ['encode', 'device', "'device' is an option of load."],
  ['load', 'truncateDim', "'truncateDim' is an option of encode and encodeStream."],
  ['load', 'torch_dtype', "Did you mean 'dtype'?"],
  ['load', 'trust_remote_code', "Code from a model's repository is never run."],
  ['load', 'local_files_only', "Did you mean 'offline'?"],
  ['fit', 'num_train_epochs', "Did you mean 'epochs'?"],
  ['fit', 'learningRate', "'learningRate' is an option of trainer."],
  ['addHead', 'id2label', "Did you mean 'labels'?"],
  ['split', 'test_size', "Did you mean 'test'?"],
])('%s({ %s })', async (call, word, hint) => {
  expect(await refusal(call, { [word]: 1 })).toContain(`Unknown option '${word}' for ${call}. ${hint} Known options: `)
})

test('the options of a trainer are known to model.trainEpoch too', async () => {
  const parts = { heads: { list: [] } } as any
  await expect(trainEpochOf(parts, [], { batch_size: 8 } as any)).rejects.toThrow("Did you mean 'batchSize'?")
})

test.each(['backbone', 'base_model', 'bert'])("freeze: '%s' points to 'encoder'", (freeze) => {
  const context = { heads: [{ name: 'a', type: 'classification', labels: ['x', 'y'] }], layers: 2, usablePositions: 8, maxLength: 8 } as any
  expect(() => resolveTrain({ freeze: freeze as any }, context)).toThrow("(did you mean 'encoder'?)")
})

test('a name without end is cut', async () => {
  expect((await refusal('encode', { ['x'.repeat(1e5)]: 1 })).length).toBeLessThan(1000)
})
