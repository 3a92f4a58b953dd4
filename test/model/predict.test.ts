import { Model } from '../../lib'
import { drawSeed } from '../../lib/heads/heads'
import { expectClose } from '../support/close'
import { floats, readGolden, type GoldenMatrix } from '../support/golden'
import { sentences, tinyModel } from '../support/training'
import { makeVariant } from '../support/variant'

type Aggregation = 'first' | 'average' | 'max' | 'none'

interface Golden {
  base: string
  seed: number
  labels: string[]
  classLabels: string[]
  cases: {
    text: string
    logits: GoldenMatrix
    entities: Record<Aggregation, { label: string; start: number; end: number; score: number }[]>
    classes: number[]
  }[]
  long: { text: string; maxLength: number; stride: number; logits: GoldenMatrix }
}

const CLOSE = { atol: 1e-5 }
const AGGREGATIONS: Aggregation[] = ['first', 'average', 'max', 'none']

describe('equal to transformers', () => {
  const { base, seed, labels, classLabels, cases, long } = readGolden<Golden>('predict')
  /** The golden's heads are drawn after `torch.manual_seed(seed)`. */
  const drawnFrom = (name: string) => (seed - drawSeed(0, name) + 2 ** 32) % 2 ** 32
  const load = async () =>
    (await Model.load(makeVariant({ base }), { device: 'cpu' }))
      .addHead({ name: 'tags', type: 'token-classification', labels, seed: drawnFrom('tags') })
      .addHead({ name: 'class', type: 'classification', labels: classLabels, seed: drawnFrom('class') })
  let model: Awaited<ReturnType<typeof load>>
  beforeAll(async () => {
    model = await load()
  })
  afterAll(() => model.dispose())

  test.each(cases)('$text', async ({ text, logits, entities, classes }) => {
    for (const aggregation of AGGREGATIONS) {
      const result = await model.predict(text, { aggregation, logits: true, maxLength: 64 })
      expectClose(result.tags.logits, floats(logits), { ...CLOSE, columns: labels.length })
      expectClose(result.class.logits, classes, CLOSE)
      expect(result.class.label).toBe(classLabels[classes.indexOf(Math.max(...classes))])
      const places = ({ label, start, end }: { label: string; start: number; end: number }) => [label, start, end]
      expect(result.tags.entities.map(places)).toEqual(entities[aggregation].map(places))
      expectClose(
        result.tags.entities.map(({ score }) => score),
        entities[aggregation].map(({ score }) => score),
        CLOSE,
      )
    }
  })

  test('a long text in windows', async () => {
    const { text, maxLength, stride, logits } = long
    const { tags } = await model.predict(text, { heads: ['tags'], maxLength, stride, logits: true })
    expectClose(tags.logits, floats(logits), { ...CLOSE, columns: labels.length })
  })

  test('alone or in any batch, the same; and the embedding is the one of encode', async () => {
    const texts = [...cases.map(({ text }) => text), long.text]
    const alone = await Promise.all(texts.map((text) => model.predict(text, { embedding: true, logits: true })))
    for (const batchTokens of [1, 50, 2048]) {
      const together = await model.predict(texts, { embedding: true, logits: true, batchTokens })
      for (const [i, result] of together.entries()) {
        expectClose(result.tags.logits, alone[i]!.tags.logits, CLOSE)
        expectClose(result.class.logits, alone[i]!.class.logits, CLOSE)
        expectClose(result.embedding, await model.encode(texts[i]!), { atol: 1e-6 })
      }
    }
  })

  test('words say what their text says', async () => {
    const text = 'New York is bigger than the river'
    const [written, words] = await model.predict([text, text.split(' ')], { words: true, logits: true })
    expectClose(words!.tags.logits, written!.tags.logits, CLOSE)
    const places = (result: typeof written) =>
      [result!.tags.entities, result!.tags.words].map((list) => list.map(({ label, start, end }) => [label, start, end]))
    expect(places(words)).toEqual(places(written))
    expect(written!.tags.words.map((word) => word.text)).toEqual(text.split(' '))
  })
})

test('one version of the weights serves a call, also one of many pieces while an epoch runs', async () => {
  const model = await tinyModel()
  const text = 'river the 42 flows river'
  const ask = async (count: number) => {
    const results = await model.predict(new Array<string>(count).fill(text), { heads: ['intent'], logits: true })
    return results.map(({ intent }) => (intent as { logits: Float32Array }).logits)
  }
  const [before] = await ask(1)
  const trainer = model.trainer({ learningRate: 1e-2, epochs: 1, batchSize: 4, warmupRatio: 0 })
  const epoch = trainer.trainEpoch(sentences(300))
  let versions = 0
  for (let last = before!; ;) {
    const done = await Promise.race([epoch.then(() => true), new Promise<false>((resolve) => setImmediate(() => resolve(false)))])
    const all = await ask(4000)
    for (const logits of all) expectClose(logits, all[0]!, { atol: 1e-6 })
    if (Math.abs(all[0]![0]! - last[0]!) > 1e-3) versions++
    last = all[0]!
    if (done) break
  }
  expect(versions).toBeGreaterThan(0)
  await model.dispose()
})

test('a model that was disposed of', async () => {
  const model = await tinyModel()
  const running = expect(model.predict(new Array<string>(2000).fill('the river'))).rejects.toMatchObject({ code: 'ERR_DISPOSED' })
  await model.dispose()
  await running
  await expect(model.predict('x')).rejects.toMatchObject({ code: 'ERR_DISPOSED' })
})
