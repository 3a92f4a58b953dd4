import path from 'node:path'
import { Model } from '../../lib'
import { fromNative, nextTask } from '../../lib/native/call'
import { loadedModelOf } from '../../lib/api/access'
import { expectClose } from '../support/close'
import { logitsOf } from '../support/logits'
import { NativeTraining, StoredArrays } from '../support/native-training'
import { describePython, pythonFloats, type PythonNumbers } from '../support/python'
import { scratch } from '../support/scratch'
import { INTENT, sentences, SLOTS } from '../support/training'
import { makeVariant } from '../support/variant'

const TEXTS = ['The river flows.', 'a b c 42', 'Towards the ocean, slowly!', 'x']
const load = (folder: string) => Model.load(folder, { device: 'cpu', threads: 1 })
const target = (): string => path.join(scratch(), 'saved')

describe('heads', () => {
  let model: Model
  beforeEach(async () => {
    model = await load(makeVariant({ base: 'bert' }))
  })
  afterEach(() => model.dispose())

  test('the same name and seed draw the same head, another name or seed another, and the order of adding changes nothing', async () => {
    const draw = async (...heads: [string, number?][]) => {
      const made = await load(makeVariant({ base: 'bert' }))
      for (const [name, seed] of heads) made.addHead({ ...INTENT, name, hidden: [6], ...(seed !== undefined && { seed }) })
      const logits = new Map<string, Float32Array>()
      for (const [name] of heads) logits.set(name, await logitsOf(made, name, TEXTS))
      await made.dispose()
      return logits
    }
    const first = await draw(['a', 3], ['b'], ['c'])
    expect(first.get('a')).toHaveLength(TEXTS.length * 2)
    expect(first.get('b')).not.toEqual(first.get('c'))
    const second = await draw(['c', 0], ['a', 4], ['b'])
    expect(second.get('b')).toEqual(first.get('b'))
    expect(second.get('c')).toEqual(first.get('c'))
    expect(second.get('a')).not.toEqual(first.get('a'))
  })

  test("a head's logits are its layers on the pooled vector, which is not scaled", async () => {
    model.addHead({ ...INTENT, hidden: [3], activation: 'tanh' })
    await loadedModelOf(model).heads.ready
    const names = ['0.weight', '0.bias', '1.weight', '1.bias'].map((name) => `heads.intent.${name}`)
    const [w0, b0, w1, b1] = (await loadedModelOf(model).native.read('value', names)) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ]
    const vector = await model.encode(TEXTS[0]!, { normalize: false })
    const layer = (x: ArrayLike<number>, w: Float32Array, b: Float32Array) =>
      Array.from(b, (bias, o) => bias + Array.from({ length: x.length }, (_, i) => w[o * x.length + i]! * x[i]!).reduce((p, q) => p + q, 0))
    expectClose(await logitsOf(model, 'intent', TEXTS.slice(0, 1)), layer(layer(vector, w0, b0).map(Math.tanh), w1, b1), { atol: 1e-5 })
  })

  test('extended: the old logits stay, the new ones are drawn from the seed', async () => {
    model.addHead({ ...INTENT, hidden: [6] })
    const before = await logitsOf(model, 'intent', TEXTS)
    expect(model.extendHead('intent', ['wait', 'run'], { seed: 5 }).heads[0]!.labels).toEqual(['go', 'stop', 'wait', 'run'])
    const after = await logitsOf(model, 'intent', TEXTS)
    expect(after).toHaveLength(TEXTS.length * 4)
    TEXTS.forEach((_, i) => expectClose(after.slice(i * 4, i * 4 + 2), before.slice(i * 2, i * 2 + 2), { atol: 1e-6 }))
    expect(Math.max(...after.map(Math.abs))).toBeGreaterThan(0)
  })

  test('removed: its name is free, its logits are gone, others stay', async () => {
    model.addHead(INTENT)
    model.addHead(SLOTS)
    const slots = await logitsOf(model, 'slots', TEXTS)
    model.removeHead('intent')
    await expect(logitsOf(model, 'intent', TEXTS)).rejects.toThrow()
    expect(await logitsOf(model, 'slots', TEXTS)).toEqual(slots)
    model.addHead({ ...INTENT, labels: ['a', 'b', 'c'] })
    expect(await logitsOf(model, 'intent', TEXTS)).toHaveLength(TEXTS.length * 3)
    // Now it is not the first.
    model.removeHead('intent')
    await expect(logitsOf(model, 'intent', TEXTS)).rejects.toThrow()
    expect(await logitsOf(model, 'slots', TEXTS)).toEqual(slots)
  })
})

test('a layer that is stored without a bias adds none', async () => {
  const { native, encoder, files } = await NativeTraining.load(makeVariant({ base: 'bert' }))
  const { query } = encoder.layers[0]!
  const [hidden, inputs] = query.weight.shape as [number, number]
  for (const [name, layer] of Object.entries({ with: query, without: { ...query, bias: null } }))
    await fromNative(
      native.addHead({
        ...{ name, type: 'classification', sizes: [hidden], activation: 'relu', pooling: ['mean'], steps: [], inputs, seed: 0 },
        files,
        layers: [layer],
      }),
    )
  const rows = { ids: Int32Array.of(2, 5, 3, 2, 9, 3), offsets: Int32Array.of(0, 3, 6) }
  const request = { ...rows, task: nextTask(), batchTokens: 64, heads: ['with', 'without'], embedding: null }
  const [one, other] = (await fromNative(native.predict(request))).logits as [Float32Array, Float32Array]
  const bias = (await StoredArrays.open(files[0]!)).read(query.bias!.name)
  expect(Math.max(...bias.map(Math.abs))).toBeGreaterThan(0.01)
  expectClose(one.map((x, i) => x - other[i]!), [...bias, ...bias], { atol: 1e-5 }) // prettier-ignore
  await fromNative(native.dispose())
})

const FAMILIES: [string, string, 'tanh' | 'relu'][] = [
  ['bert', 'Bert', 'tanh'],
  ['distilbert', 'DistilBert', 'relu'],
  ['roberta', 'Roberta', 'tanh'],
  ['xlm-roberta', 'XLMRoberta', 'tanh'],
  ['mpnet', 'MPNet', 'tanh'],
]

describePython("transformers' own classifiers", (ask) => {
  interface Answer {
    class: string
    logits: PythonNumbers
    labels: string[]
    problem: string | null
    missing: string[]
    unexpected: string[]
  }
  const whole = { missing: [], unexpected: [] }

  test.each(FAMILIES)('%s: both kinds load with their labels and give the same logits, and so do they saved again', async (base, name) => {
    const source = makeVariant({ base })
    for (const [kind, head, labels] of [
      ['Sequence', 'classification', ['good', 'bad', 'so so']],
      ['Token', 'tokens', ['O', 'B-x', 'I-x', 'B-y']],
    ] as const) {
      const [made, again, plain] = [target(), target(), target()]
      await ask('make', { folder: source, to: made, class: `${name}For${kind}Classification`, labels, seed: 1 })
      const { logits } = await ask<Answer>('classify', { folder: made, texts: TEXTS })
      await using model = await load(made)
      expect(model.heads.map((each) => [each.name, each.labels])).toEqual([[head, labels]])
      const own = await logitsOf(model, head, TEXTS)
      expectClose(own, pythonFloats(logits), { atol: 1e-5 })

      await model.save(again, { as: kind === 'Token' ? 'token-classification' : 'sequence-classification' })
      const back = await ask<Answer>('classify', { folder: again, texts: TEXTS })
      expect(back).toMatchObject({ class: `${name}For${kind}Classification`, labels, ...whole })
      expectClose(pythonFloats(back.logits), own, { atol: 1e-5 })

      await model.save(plain)
      await using reloaded = await load(plain)
      expect(reloaded.heads).toEqual(model.heads)
      expect(await logitsOf(reloaded, head, TEXTS)).toEqual(own)
    }
  })

  test.each(FAMILIES)('%s: trained here, opened there', async (base, name, activation) => {
    await using model = await load(makeVariant({ base }))
    const { hiddenSize } = loadedModelOf(model).folder.config
    model.addHead({ ...INTENT, hidden: [hiddenSize], activation, pooling: 'cls' }).addHead(SLOTS)
    const trainer = model.trainer({ learningRate: 1e-2, batchSize: 4, epochs: 1 })
    await trainer.trainEpoch(sentences(12))
    await trainer.dispose()
    for (const [head, as, kind] of [
      ['intent', 'sequence-classification', 'Sequence'],
      ['slots', 'token-classification', 'Token'],
    ] as const) {
      // prettier-ignore
      const folder = target()
      await model.save(folder, { as })
      const { logits, ...answer } = await ask<Answer>('classify', { folder, texts: TEXTS })
      expect(answer).toMatchObject({
        class: `${name}For${kind}Classification`,
        labels: model.heads.find((each) => each.name === head)!.labels,
        ...whole,
      })
      expectClose(pythonFloats(logits), await logitsOf(model, head, TEXTS), { atol: 1e-5 })
    }
  })

  test.each([
    [['one', 'two', 'three'], true],
    [['spam'], false],
  ] as const)('independent labels %j', async (labels, multiLabel) => {
    // prettier-ignore
    const [made, again] = [target(), target()]
    await ask('make', {
      folder: makeVariant({ base: 'bert' }),
      to: made,
      class: 'BertForSequenceClassification',
      labels,
      problem: 'multi_label_classification',
      seed: 2,
    })
    await using model = await load(made)
    expect(model.heads).toMatchObject([{ multiLabel, labels }])
    await model.save(again, { as: 'sequence-classification' })
    const { problem, logits } = await ask<Answer>('classify', { folder: again, texts: TEXTS })
    expect(problem).toBe('multi_label_classification')
    expectClose(pythonFloats(logits), await logitsOf(model, 'classification', TEXTS), { atol: 1e-5 })
  })

  test('half precision around a head in float32 is read as float32', async () => {
    const folder = target()
    await using model = await load(
      makeVariant({ base: 'bert', overlays: ['bert-bfloat16'], files: { 'config.json': { dtype: 'bfloat16' } } }),
    )
    model.addHead(SLOTS)
    await model.save(folder, { as: 'token-classification' })
    const { logits } = await ask<Answer>('classify', { folder, texts: TEXTS })
    expectClose(pythonFloats(logits), await logitsOf(model, 'slots', TEXTS), { atol: 1e-5 })
  })
})
