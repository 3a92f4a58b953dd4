import { resolveEncode, resolveStream, type EncodeContext } from '../../lib/encode/options'
import { promptsWith } from '../../lib/format/modules'
import { hubSettings } from '../../lib/hub/settings'
import { resolveLoad } from '../../lib/model/load-options'
import { resolveSave } from '../../lib/model/save'
import { resolveEpoch } from '../../lib/training/options/epoch'
import { resolveFit } from '../../lib/training/options/fit'
import { resolved } from '../support/parameters'

const model: EncodeContext = {
  modules: { pooling: ['mean'], steps: [], dense: [], prompts: promptsWith([]), maxSeqLength: 64 },
  config: { hiddenSize: 4, usablePositions: 128 },
  texts: 3,
}
const heads = [{ name: 'slots', type: 'token-classification' }] as const
const patience = 1

/** Per call: how its options are checked, and a wrong value for each. An object is all the options that are given; a dotted name is of a part of one. */
const CALLS: Record<string, [read: (options: any) => unknown, wrong: Record<string, unknown>]> = {
  load: [
    (options) => resolveLoad(options),
    {
      dtype: 0,
      device: 0,
      threads: 0,
      libtorch: 0,
      queueBytes: 0,
      trustTokenizer: 0,
      verify: 0,
      offline: 0,
      forceDownload: 0,
      onProgress: 0,
      signal: 0,
      pooling: 0,
      normalize: 0,
      maxLength: 1,
      prompts: 0,
      defaultPromptName: 0,
    },
  ],
  hub: [hubSettings, { revision: '', token: 0, cacheFolder: 0, offline: 0, connectTimeout: 0 }],
  encode: [
    (options) => resolveEncode(options, model),
    {
      maxLength: 1,
      truncation: 0,
      onTruncated: 0,
      batchTokens: 0,
      tokenEmbeddings: 0,
      normalize: 0,
      pooling: 0,
      truncateDim: 0,
      precision: 0,
      prompt: 0,
      promptName: 0,
      onProgress: 0,
      signal: 0,
    },
  ],
  encodeStream: [(options) => resolveStream(options, model), { batchTexts: 0, batchTokens: 0 }],
  save: [(options) => resolveSave('x', options, []), { overwrite: 0, as: 0, signal: 0 }],
  trainer: [
    resolved,
    {
      optimizer: 0,
      betas: 0,
      'betas[0]': { betas: [1, 1] },
      eps: 0,
      learningRate: -1,
      headLearningRate: -1,
      weightDecay: -1,
      layerDecay: 0,
      layerBands: { layerDecay: 0.9, layerBands: 0 },
      groups: 0,
      batchSize: 0,
      batchTokens: 0,
      groupByLength: 0,
      gradientAccumulation: 0,
      sampling: 0,
      temperature: 0,
      stop: { sampling: 'round-robin', stop: 0 },
      maxGradNorm: -1,
      schedule: 0,
      'plateau.factor': { schedule: 'plateau', plateau: { factor: 0 } },
      'plateau.patience': { schedule: 'plateau', plateau: { patience: -1 } },
      'plateau.threshold': { schedule: 'plateau', plateau: { threshold: -1 } },
      'plateau.cooldown': { schedule: 'plateau', plateau: { cooldown: -1 } },
      warmupSteps: -1,
      warmupRatio: -1,
      epochs: 0,
      totalSteps: 0,
      unfreeze: 0,
      tasks: 0,
      'tasks.intent.weight': { tasks: { intent: { weight: -1 } } },
      'tasks.intent.labelSmoothing': { tasks: { intent: { labelSmoothing: 1 } } },
      'tasks.intent.classWeights': { tasks: { intent: { classWeights: 0 } } },
      'tasks.slots.labelSubwords': { tasks: { slots: { labelSubwords: 'last' as never } } },
      uncertainty: 0,
      uncertaintyLearningRate: { uncertainty: true, uncertaintyLearningRate: -1 },
      keepEmbeddings: -1,
      'distill.teacher': { distill: {} },
      'distill.loss': { distill: { teacher: () => {}, loss: 0 } },
      'distill.weight': { distill: { teacher: () => {}, weight: 0 } },
      dtype: 0,
      gradientCheckpointing: 0,
      hiddenDropout: 1,
      attentionDropout: 1,
      maxLength: 0,
      seed: -1,
      maxSkippedSteps: 0,
      cacheBytes: -1,
    },
  ],
  trainEpoch: [
    resolveEpoch,
    {
      onProgress: 0,
      onStep: 0,
      signal: 0,
      saveEvery: { saveEvery: { dir: 'x' } },
      'saveEvery.dir': { saveEvery: { dir: '', steps: 1 } },
      'saveEvery.keep': { saveEvery: { dir: 'x', keep: 0, steps: 1 } },
      'saveEvery.steps': { saveEvery: { dir: 'x', steps: 0 } },
      'saveEvery.minutes': { saveEvery: { dir: 'x', minutes: 0 } },
    },
  ],
  fit: [
    (options) => resolveFit({ evaluate: [], ...options }, heads, undefined),
    {
      epochs: 0,
      maxSteps: 0,
      evaluateEvery: 0,
      saveBest: '',
      onEpoch: 0,
      onEvaluate: 0,
      metrics: 0,
      'metrics.mine': { metrics: { mine: undefined } },
      scoreWeights: 0,
      'scoreWeights.slots': { scoreWeights: { slots: NaN } },
      earlyStopping: 0,
      'earlyStopping.metric': { earlyStopping: { metric: 0, patience } },
      'earlyStopping.patience': { earlyStopping: {} },
      'earlyStopping.minDelta': { earlyStopping: { minDelta: NaN, patience } },
      'earlyStopping.mode': { earlyStopping: { mode: 'up', patience } },
    },
  ],
}

const cases = Object.entries(CALLS).flatMap(([call, [read, wrong]]) =>
  Object.entries(wrong).map(([name, value]) => [call, name, typeof value === 'object' ? value : { [name]: value }, read] as const),
)

test.each(cases)('%s: a wrong %s is refused by that name', async (_call, name, options, read) => {
  await expect((async () => read(options))()).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT', detail: { name } })
})
