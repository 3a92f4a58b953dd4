import { resolveEpoch } from '../../lib/options/epoch'
import type { TrainerOptions } from '../../lib/options/train'
import { TrainerCore } from '../../lib/training/core'
import { FakeNative, fakeParts } from '../support/fake-trainer'

const HEAD = { name: 'h', type: 'classification', labels: ['a', 'b'] } as const
const DATA = [{ text: 'x', labels: { h: 'a' } }]

async function trainer(options: TrainerOptions) {
  const native = new FakeNative()
  return { native, core: new TrainerCore(await fakeParts(native, [HEAD]), options) }
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
