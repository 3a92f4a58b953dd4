import { afterScore, FULL_RATE, plateauOf, type PlateauOptions } from '../../lib/training/plan/plateau'
import { multipliers, resolveSchedule } from '../../lib/training/plan/schedule'
import { resolveEpoch } from '../../lib/training/options/epoch'
import { resolveFit } from '../../lib/training/options/fit'
import { TrainerCore } from '../../lib/training/core'
import { FakeNative, fakeModel } from '../support/fake-trainer'
import { readGolden } from '../support/golden'
import { refused, resolved } from '../support/parameters'

interface Golden {
  cases: { options: PlateauOptions; scores: number[]; rates: number[] }[]
}

// Made by scripts/make-training-options-golden.py with PyTorch.
const golden = readGolden<Golden>('plateau')

test.each(golden.cases)('the rates are those of ReduceLROnPlateau: $options', ({ options, scores, rates }) => {
  let state = FULL_RATE
  const found = scores.map((score) => (state = afterScore(state, score, plateauOf(options))).multiplier)
  expect(found).toEqual(rates)
  expect(Math.min(...found)).toBeLessThan(1)
})

test('a score of NaN is no improvement, and the first score is one', () => {
  const options = plateauOf({ patience: 0 })
  expect(afterScore(FULL_RATE, -3, options)).toEqual({ best: -3, stale: 0, cooldown: 0, multiplier: 1 })
  expect(afterScore(FULL_RATE, NaN, options)).toEqual({ best: null, stale: 0, cooldown: 0, multiplier: 0.1 })
})

test('a reduction also applies in the warm-up', () => {
  const schedule = resolveSchedule(resolved({ schedule: 'plateau', warmupSteps: 2 }).schedule, null)
  const reduced = { ...schedule, plateau: { ...FULL_RATE, multiplier: 0.5 } }
  expect([...multipliers(reduced, 0, 3)]).toEqual([0.25, 0.5, 0.5])
})

test('refused', () => {
  for (const [name, value] of Object.entries({ factor: 1, patience: -1, threshold: NaN, cooldown: 0.5 }))
    expect(() => resolved({ schedule: 'plateau', plateau: { [name]: value } })).toThrow(refused(`plateau.${name}`))
  expect(() => resolved({ plateau: {} })).toThrow(refused("'plateau' requires schedule: 'plateau'"))
})

const HEAD = { name: 'h', type: 'classification', labels: ['a', 'b'] } as const
const data = Array.from({ length: 8 }, (_, i) => ({ text: `x ${i}`, labels: { h: i % 3 ? 'a' : 'b' } }))

test('a fit follows its evaluations, and needs them', async () => {
  const native = new FakeNative()
  const predict = async ({ offsets }: { offsets: Int32Array }) => ({ logits: [new Float32Array(2 * (offsets.length - 1)).fill(1)], embedding: null, nonFiniteRow: -1 }) // prettier-ignore
  const model = await fakeModel(Object.assign(native, { predict }), [HEAD])
  const core = new TrainerCore(model, { learningRate: 0.1, batchSize: 4, schedule: 'plateau', plateau: { patience: 0, factor: 0.5 } })
  await expect(core.trainEpoch(data, resolveEpoch())).rejects.toThrow(/'plateau' follows the score/)
  await expect(core.fit(data, resolveFit({}, [HEAD], undefined))).rejects.toThrow(/use fit with 'evaluate'/)
  await core.fit(data, resolveFit({ evaluate: data, epochs: 4, restoreBest: false }, [HEAD], undefined))
  // The score never changes: the first evaluation is the best one, and each later one halves the rate.
  expect(native.calls.map(({ multipliers }) => multipliers[0])).toEqual([1, 1, 0.5, 0.25])
})
