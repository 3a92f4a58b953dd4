import type { PredictRequest } from '../../binding'
import type { Example } from '../../lib/data/example'
import { Embeddings } from '../../lib/encode/embeddings'
import { resolveEpoch } from '../../lib/training/options/epoch'
import { resolveFit, type FitOptions } from '../../lib/training/options/fit'
import type { TrainerOptions } from '../../lib/training/options/train'
import { TrainerCore } from '../../lib/training/core'
import { FakeNative, fakeModel } from '../support/fake-trainer'

const HEAD = { name: 'h', type: 'classification', labels: ['a', 'b'] } as const
const DATA = [{ text: 'x', labels: { h: 'a' } }]

async function trainer(options: TrainerOptions) {
  const native = new FakeNative()
  return { native, core: new TrainerCore(await fakeModel(native, [HEAD]), options) }
}

test.each<[string, TrainerOptions]>([
  ['the encoder and the only head', { freeze: ['encoder', { head: 'h' }] }],
  ['a pattern that matches everything', { freeze: { match: '*' } }],
  ['all that could be unfrozen later', { freeze: { match: '*' }, unfreeze: [{ every: { epoch: 1 }, what: 'next' }] }],
])('nothing left to train is refused before the first step: %s', async (_, options) => {
  const { native, core } = await trainer(options)
  const refused = { code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining("freeze: 'all'") }
  await expect(core.trainEpoch(DATA, resolveEpoch())).rejects.toMatchObject(refused)
  expect(native.calls).toHaveLength(0)
  expect(native.isOpen).toBe(false)
  await expect(core.session()).rejects.toMatchObject(refused)
})

test.each<[string, TrainerOptions]>([
  ['distill', { distill: { teacher: async () => new Embeddings(new Float32Array(0), 32) } }],
  ['keepEmbeddings', { keepEmbeddings: 1 }],
])('a head whose name is that of another loss in reports is refused: %s', async (name, options) => {
  const parts = await fakeModel(new FakeNative(), [{ ...HEAD, name }, HEAD])
  expect(() => new TrainerCore(parts, options)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  const core = new TrainerCore(parts, { ...options, tasks: { [name]: false } })
  await core.close()
  expect(new TrainerCore(parts, {}).options.tasks).toHaveLength(2)
})

describe('data to evaluate on whose labels no head knows', () => {
  const OTHER = { name: 'other', type: 'classification', labels: ['a', 'b'] } as const
  const unknown = [{ text: 'x', labels: { h: 'z' } }]
  const mixed = [{ text: 'x', labels: { h: 'z', other: 'a' } }]

  async function fit(evaluate: Example[], options: Partial<FitOptions>) {
    const native = new FakeNative()
    const predict = ({ heads, offsets }: PredictRequest) => ({
      logits: heads.map(() => new Float32Array(2 * (offsets.length - 1))),
      embedding: null,
      nonFiniteRow: -1,
    })
    const parts = await fakeModel(Object.assign(native, { predict }), [HEAD, OTHER])
    const core = new TrainerCore(parts, { tasks: { other: false } })
    const result = core.fit(DATA, resolveFit({ evaluate, epochs: 1, ...options }, parts.heads.list, undefined))
    return { native, result }
  }

  test.each<[string, Example[], Partial<FitOptions>]>([
    ['the score', unknown, {}],
    ['the loss', mixed, { earlyStopping: { metric: 'loss', patience: 1 } }],
    ["a head's loss", mixed, { earlyStopping: { metric: 'h.loss', patience: 1 } }],
    ["a head's accuracy", mixed, { earlyStopping: { metric: 'h.accuracy', patience: 1 } }],
    ['the score of the heads with a weight', mixed, { scoreWeights: { other: 0 } }],
  ])('%s cannot be watched, and that is said before the first step', async (_, data, options) => {
    const { native, result } = await fit(data, options)
    await expect(result).rejects.toMatchObject({ code: 'ERR_DATA', message: expect.stringContaining('cannot be watched') })
    expect(native.opened).toHaveLength(0)
  })

  test.each<[string, Example[], Partial<FitOptions>]>([
    ['the score of a head that knows one', mixed, {}],
    ['a measure of the user', unknown, { metrics: { mine: () => 1 }, earlyStopping: { metric: 'mine', patience: 1 } }],
  ])('%s can', async (_, data, options) => {
    const { result } = await fit(data, options)
    expect((await result).evaluations).toHaveLength(1)
  })
})
