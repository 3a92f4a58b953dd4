import type { ParameterInfo } from '../../binding'
import { bandOf, parameterGroups } from '../../lib/training/parameters/groups'
import { matches } from '../../lib/training/parameters/patterns'
import { bertParameters, dense, heads, LAYERS, namesOf, refused, relativeBias, resolved, uncertainty } from '../support/parameters'
import type { TrainerOptions } from '../../lib/training/options/train'

const parameters = [...bertParameters(), ...heads]

function groups(options: TrainerOptions, of: readonly ParameterInfo[] = parameters, frozen = new Set<number>()) {
  return parameterGroups(of, resolved(options), LAYERS, frozen)
}

const rows = (options: TrainerOptions, of?: readonly ParameterInfo[]) =>
  groups(options, of).map(({ name, count, learningRate, weightDecay }) => ({ name, count, learningRate, weightDecay }))

const recipe = { learningRate: 1e-4, headLearningRate: 1e-3, layerDecay: 0.9, weightDecay: 0.01 }

test('groups, counts, rates and decays are those that bench/peers/train.py gives to torch.optim.AdamW', () => {
  // [numel, lr, weight_decay] of optimizer.param_groups in PyTorch 2.11 for a BertModel of these sizes: 1e-4 · 0.9^(L−1−i), embeddings 0.9^L.
  const expected = [
    ['embeddings', 200, 5.3144100000000005e-5, 0.01],
    ['embeddings', 16, 5.3144100000000005e-5, 0],
    ['layer 0', 512, 5.904900000000001e-5, 0.01],
    ['layer 0', 88, 5.904900000000001e-5, 0],
    ['layer 1', 512, 6.561e-5, 0.01],
    ['layer 1', 88, 6.561e-5, 0],
    ['layer 2', 512, 7.290000000000001e-5, 0.01],
    ['layer 2', 88, 7.290000000000001e-5, 0],
    ['layer 3', 512, 8.1e-5, 0.01],
    ['layer 3', 88, 8.1e-5, 0],
    ['layer 4', 512, 9e-5, 0.01],
    ['layer 4', 88, 9e-5, 0],
    ['layer 5', 512, 0.0001, 0.01],
    ['layer 5', 88, 0.0001, 0],
    ['heads', 128, 0.001, 0.01],
    ['heads', 16, 0.001, 0],
  ] as const
  expect(rows(recipe)).toEqual(
    expected.map(([name, count, rate, weightDecay]) => ({ name, count, learningRate: expect.closeTo(rate, 16), weightDecay })),
  )
})

const ratesByPlace = (options: TrainerOptions, of?: readonly ParameterInfo[]) =>
  Object.fromEntries(rows(options, of).map(({ name, learningRate }) => [name, learningRate / options.learningRate!]))

test.each<[number, Record<string, number>]>([
  // decay^(k−1−b) for band b of k, decay^k for the embeddings; cuts at ⌊j·6/k⌋.
  [1, { embeddings: 0.5, 'layers 0-5': 1, heads: 1 }],
  [2, { embeddings: 0.25, 'layers 0-2': 0.5, 'layers 3-5': 1, heads: 1 }],
  [4, { embeddings: 0.0625, 'layer 0': 0.125, 'layers 1-2': 0.25, 'layer 3': 0.5, 'layers 4-5': 1, heads: 1 }],
  [
    6,
    {
      embeddings: 0.5 ** 6,
      'layer 0': 0.5 ** 5,
      'layer 1': 0.0625,
      'layer 2': 0.125,
      'layer 3': 0.25,
      'layer 4': 0.5,
      'layer 5': 1,
      heads: 1,
    },
  ],
])('%i bands', (layerBands, expected) => {
  expect(ratesByPlace({ learningRate: 1, layerDecay: 0.5, layerBands })).toEqual(expected)
})

test('bands cut anywhere: every layer in one, none empty, in order', () => {
  for (let layers = 1; layers <= 24; layers++) {
    for (let bands = 1; bands <= layers; bands++) {
      const of = Array.from({ length: layers }, (_, i) => bandOf(i, layers, bands))
      const byDefinition = of.map((_, i) => Array.from({ length: bands }, (_, j) => Math.floor((j * layers) / bands)).filter((c) => c <= i).length - 1) // prettier-ignore
      expect(of).toEqual(byDefinition)
      expect(new Set(of).size).toBe(bands)
    }
  }
})

test("MPNet's relative-position bias learns with the lowest layer, Dense modules with the heads", () => {
  const all = [...bertParameters(), relativeBias, ...dense, ...heads]
  const found = groups(recipe, all)
  const place = (name: string) => found.find(({ names }) => names.includes(name))!
  expect(place(relativeBias.name)).toMatchObject({ name: 'layer 0', weightDecay: 0.01, learningRate: expect.closeTo(1e-4 * 0.9 ** 5, 16) })
  expect(place('dense.0.linear.weight')).toMatchObject({ name: 'heads', weightDecay: 0.01, learningRate: 1e-3 })
  expect(place('dense.0.linear.bias')).toMatchObject({ name: 'heads', weightDecay: 0, learningRate: 1e-3 })
})

test('learnt weights of losses are a group of their own, without decay, not clipped', () => {
  const all = [...parameters, ...uncertainty]
  const found = groups({ ...recipe, uncertainty: true, uncertaintyLearningRate: 0.5 }, all)
  expect(found.at(-1)).toEqual({
    name: 'uncertainty',
    parameters: [parameters.length, parameters.length + 1],
    names: ['uncertainty.intent', 'uncertainty.slots'],
    count: 2,
    learningRate: 0.5,
    weightDecay: 0,
    clip: false,
  })
  expect(found.slice(0, -1).every(({ clip }) => clip)).toBe(true)
  expect(groups({ ...recipe, uncertainty: true }, all).at(-1)!.learningRate).toBe(1e-3)
})

test('every parameter that is not frozen is in one group, no frozen one in any', () => {
  const all = [...bertParameters(), relativeBias, ...dense, ...heads, ...uncertainty]
  const frozen = new Set([0, 7, 30, all.length - 1])
  const options = { ...recipe, layerBands: 3, groups: [{ match: '*.query.*', learningRate: 1 }, { match: /^heads\.slots/, weightDecay: 0 }] } // prettier-ignore
  const found = groups(options, all, frozen)
  const places = found.flatMap((group) => group.parameters)
  expect(places.toSorted((a, b) => a - b)).toEqual(all.map((_, i) => i).filter((i) => !frozen.has(i)))
  for (const { names, parameters, count } of found) {
    expect(names).toEqual(parameters.map((i) => all[i]!.name))
    expect(count).toBe(parameters.reduce((sum, i) => sum + all[i]!.shape.reduce((a, b) => a * b, 1), 0))
  }
})

describe('explicit groups', () => {
  test('a rate is taken as it stands, a decay reaches matrices alone, and what a rule leaves out stays', () => {
    const found = rows({
      ...recipe,
      groups: [
        { match: 'encoder.layer.0.output.*', learningRate: 7 },
        { match: /layer\.[01]\..*query/, weightDecay: 0.3 },
      ],
    })
    expect(found.slice(-6)).toEqual([
      { name: 'encoder.layer.0.output.*', count: 128, learningRate: 7, weightDecay: 0.01 },
      { name: 'encoder.layer.0.output.*', count: 24, learningRate: 7, weightDecay: 0 },
      { name: '/layer\\.[01]\\..*query/ in layer 0', count: 64, learningRate: expect.closeTo(5.9049e-5, 16), weightDecay: 0.3 },
      { name: '/layer\\.[01]\\..*query/ in layer 1', count: 64, learningRate: expect.closeTo(6.561e-5, 16), weightDecay: 0.3 },
      { name: '/layer\\.[01]\\..*query/ in layer 0', count: 8, learningRate: expect.closeTo(5.9049e-5, 16), weightDecay: 0 },
      { name: '/layer\\.[01]\\..*query/ in layer 1', count: 8, learningRate: expect.closeTo(6.561e-5, 16), weightDecay: 0 },
    ])
  })

  test('decay 0 for some matrices', () => {
    const found = groups({ ...recipe, groups: [{ match: '*word_embeddings*', weightDecay: 0 }] })
    expect(found.filter(({ weightDecay }) => weightDecay > 0).flatMap(({ names }) => names)).not.toContain(
      'embeddings.word_embeddings.weight',
    )
  })

  test.each<[string, TrainerOptions['groups'], string[]]>([
    ['a pattern that matches nothing', [{ match: 'encoder.layers.*', learningRate: 1 }], ['encoder.layers.*', 'groups[0].match', 'embeddings.word_embeddings.weight']], // prettier-ignore
    [
      'one of several that matches nothing',
      [{ match: ['heads.*', /nothing/], learningRate: 1 }],
      ['/nothing/', 'does not match any parameter'],
    ],
    [
      'a parameter that two rules match',
      [
        { match: 'heads.*', learningRate: 1 },
        { match: '*.bias', learningRate: 2 },
      ],
      ['groups[0] (heads.*)', 'groups[1] (*.bias)', 'heads.intent.0.bias'],
    ],
    ['a decay for vectors alone', [{ match: '*.bias', weightDecay: 0.1 }], ['groups[0]', 'one-dimensional']],
    ['uncertainty by name', [{ match: 'uncertainty.*', learningRate: 1 }], ['uncertainty.*', 'does not match any parameter']],
  ])('refused: %s', (_, rules, message) => {
    expect(() => groups({ ...recipe, uncertainty: true, groups: rules! }, [...parameters, ...uncertainty])).toThrow(refused(...message))
  })
})

test.each<[string | RegExp, string, boolean]>([
  ['heads.*', 'heads.intent.0.bias', true],
  ['heads', 'heads.intent.0.bias', false],
  ['*.bias', 'heads.intent.0.bias', true],
  ['intent.0.bias', 'heads.intent.0.bias', false],
  ['*bias*', 'bias', true],
  ['heads.?ntent.0.bias', 'heads.intent.0.bias', false],
  ['heads.(a|b).[0]+', 'heads.(a|b).[0]+', true],
  ['heads.intent', 'headsXintent', false],
  [/intent/, 'heads.intent.0.bias', true],
  [/^intent/, 'heads.intent.0.bias', false],
  [/BIAS$/i, 'heads.intent.0.bias', true],
])('pattern %p on %s: %p', (pattern, name, expected) => {
  expect([matches(name, pattern), matches(name, pattern)]).toEqual([expected, expected])
})

test('a RegExp with state matches the same each time', () => {
  const pattern = /bias/g
  expect([1, 2, 3].map(() => matches('a.bias', pattern))).toEqual([true, true, true])
})

test('names come in the order of the places', () => {
  expect(namesOf(parameters, groups(recipe)[0]!.parameters)).toEqual(groups(recipe)[0]!.names)
})
