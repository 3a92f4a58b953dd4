import type { HeadSource } from '../../binding'
import { fromNative } from '../../lib/native/call'
import { expectClose } from '../support/close'
import { readGolden } from '../support/golden'
import { NativeTraining, StoredArrays } from '../support/native-training'
import { corpusOf, goldenArrays, optimizerOf, tasksOf, wrongGradients, type VariantsGolden } from '../support/training-golden'
import { makeVariant } from '../support/variant'

const LOSS = 1e-5
const WEIGHT = 1e-6

const golden = readGolden<VariantsGolden>('training/variants')
const moduleOf = (name: string, path: string, idx: number) => ({
  idx,
  name: String(idx),
  path,
  type: `sentence_transformers.models.${name}`,
})
const DENSE = {
  base: golden.base,
  overlays: ['bert-dense'],
  files: {
    'modules.json': [
      ['Transformer', ''],
      ['Pooling', '1_Pooling'],
      ['Dense', '2_Dense'],
      ['Dense', '3_Dense'],
    ].map(([type, path], i) => moduleOf(type!, path!, i)),
  },
}

let arrays: StoredArrays
let training: NativeTraining
beforeAll(async () => {
  arrays = await StoredArrays.open(goldenArrays('variants'))
})
afterEach(() => training.dispose())

test.each(golden.cases.map((one, index) => ({ ...one, index })))('$name: loss and gradients', async (one) => {
  training = await NativeTraining.load(makeVariant(one.dense ? DENSE : { base: golden.base }))
  await training.addHeads(one.heads, arrays, `${one.index}/value/`)
  const tasks = tasksOf(one.tasks)
  await training.start({ tasks, targets: one.targets, uncertainty: one.uncertainty })
  await training.trainOnly(() => true)
  const targets = one.targets.map(() => arrays.read('targets'))
  await training.setCorpus(corpusOf(golden.corpus, tasks, targets))
  const result = await training.run(one, { apply: false })
  expectClose(result.loss, [one.loss], { atol: LOSS })
  expectClose(result.losses, one.losses, { atol: LOSS })
  expect(result.correct).toEqual(one.correct)
  // Of a target the rows are counted.
  expect(result.items).toEqual(one.items)

  const gradients = await training.read('gradient')
  expect([...gradients.keys()].sort()).toEqual([...one.names].sort())
  expect(wrongGradients(one, gradients)).toEqual([])
  for (const name of one.absent) expect(gradients.get(name)!.every((value) => value === 0)).toBe(true)
})

test('uncertainty weighting, 5 steps: a task that is absent stays as it is', async () => {
  const run = golden.uncertainty
  training = await NativeTraining.load(makeVariant({ base: golden.base }))
  await training.addHeads(run.heads, arrays, 'run/value/')
  const tasks = tasksOf(run.tasks)
  await training.start({ tasks, targets: [], uncertainty: true, optimizer: optimizerOf(run.recipe), maxGradNorm: run.recipe.maxGradNorm })
  await training.setGroups(run.groups)
  await training.setCorpus(corpusOf(golden.corpus, tasks))
  const result = await training.run(run, { multipliers: run.multipliers })
  expectClose(result.loss, run.loss, { atol: LOSS })
  expectClose(result.losses, run.losses.flat(), { atol: LOSS })
  expect(result.items).toEqual(run.items.flat())
  expect(run.items[2]![1]).toBe(0)
  for (const [name, values] of await training.read('value')) {
    if (name.startsWith('heads.') || name.startsWith('uncertainty.'))
      expectClose(values, arrays.read(`run/after/${name}`), { atol: WEIGHT })
  }
  const steps = await training.native.optimizerSteps()
  const updates = training.parameters.map(({ name }, i) => [name, steps[i]] as const)
  expect(updates.filter(([name, count]) => count !== (name.includes('mood') ? 4 : 5))).toEqual([])
})

describe('initial weights', () => {
  const named = golden.initial.map((one, index) => ({ ...one, index, name: `seed ${one.seed}, ${one.inputs} → ${one.sizes.join(' → ')}` }))
  const drawn = ({ seed, inputs, sizes }: { seed: number; inputs: number; sizes: number[] }): HeadSource => ({
    name: 'drawn',
    type: 'classification',
    sizes,
    activation: 'relu',
    pooling: ['mean'],
    steps: [],
    inputs,
    layers: null,
    files: [],
    seed,
  })

  test.each(named)("$name: those of PyTorch's Linear", async (one) => {
    training = await NativeTraining.load(makeVariant({ base: golden.base }))
    await fromNative(training.native.addHead(drawn(one)))
    for (let layer = 0; layer < one.sizes.length; layer++) {
      const names = ['weight', 'bias'].map((part) => `${layer}.${part}`)
      const values = await training.read(
        'value',
        names.map((name) => `heads.drawn.${name}`),
      )
      for (const name of names) expect(values.get(`heads.drawn.${name}`)).toEqual(arrays.read(`initial/${one.index}/${name}`))
    }
  })

  test('more labels: the old ones keep their weights, the new ones are drawn as a Linear of their own', async () => {
    const index = golden.initial.findIndex(({ sizes }) => sizes.length === 1)
    const one = golden.initial[index]!
    training = await NativeTraining.load(makeVariant({ base: golden.base }))
    await fromNative(training.native.addHead({ ...drawn(one), sizes: [3], seed: 99 }))
    const names = ['heads.drawn.0.weight', 'heads.drawn.0.bias']
    const before = await training.read('value', names)
    await fromNative(training.native.extendHead('drawn', one.sizes[0]!, one.seed))
    const after = await training.read('value', names)
    for (const name of names) {
      const old = before.get(name)!
      const part = name.split('.').at(-1)!
      expect(after.get(name)!.subarray(0, old.length)).toEqual(old)
      expect(after.get(name)!.subarray(old.length)).toEqual(arrays.read(`initial/${index}/0.${part}`))
    }
  })
})
