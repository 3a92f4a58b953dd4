import { Fields } from '../../lib/files/fields'
import { NO_LABEL, type HeadMetrics } from '../../lib/heads/kind'
import { HEAD_KINDS, HEAD_TYPES, kindOf, measuresOf, metricsFormOf } from '../../lib/heads/kinds'
import { parseFit } from '../../lib/training/checkpoint/fit-state'
import { headOf } from '../support/heads'

const topics = headOf({ name: 'topics', type: 'classification', labels: ['p', 'q'], multiLabel: true })
const tags = (labels: string[]) => headOf({ name: 'tags', type: 'token-classification', labels })

describe('the registry', () => {
  test.each([
    ['classification', ['a', 'b'], false, 'single-label'],
    ['classification', ['a', 'b'], true, 'multi-label'],
    ['classification', ['a'], true, 'multi-label'],
    ['classification', ['a'], false, 'binary'],
    ['token-classification', ['O', 'B-a'], false, 'token-classification'],
  ] as const)('%s of %j, multi-label %s, is %s', (type, labels, multiLabel, name) => {
    expect(kindOf({ type, labels, multiLabel }).name).toBe(name)
  })

  test('have names of their own, and kinds of a type have metrics of one form', () => {
    expect(new Set(HEAD_KINDS.map(({ name }) => name)).size).toBe(HEAD_KINDS.length)
    for (const labels of [['a'], ['a', 'b']])
      for (const multiLabel of [false, true])
        for (const type of HEAD_TYPES) expect(kindOf({ type, labels, multiLabel }).metricsForm).toEqual(metricsFormOf(type))
    expect(metricsFormOf('toString')).toBeUndefined()
  })

  test('measures to watch', () => {
    expect(measuresOf('classification')).toEqual(['loss', 'accuracy', 'microF1', 'macroF1', 'micro.precision', 'micro.recall', 'micro.f1', 'samples.precision', 'samples.recall', 'samples.f1']) // prettier-ignore
    expect(measuresOf('token-classification')).toEqual(['loss', 'accuracy', 'precision', 'recall', 'f1', 'strict.precision', 'strict.recall', 'strict.f1']) // prettier-ignore
  })
})

describe('multi-label', () => {
  const kind = kindOf(topics)

  test('labels without a target do not count in the loss', () => {
    const losses: number[] = []
    const example = { gold: ['p'], logits: Float32Array.of(0, 5), targets: Int32Array.of(1, NO_LABEL), wordOfToken: new Int32Array() }
    expect(kind.judge(topics, example, (loss) => losses.push(loss))).toEqual(['q'])
    expect(losses).toEqual([Math.log(2)])
  })

  test('labels that the head does not have count in the macro average', () => {
    const metrics = kind.metrics(topics, [['p'], ['z']], [['p'], []])
    expect(metrics).toMatchObject({ accuracy: 0.5, macroF1: 1 / 3, labels: [{ label: 'p' }, { label: 'q' }, { label: 'z' }] })
  })

  test('balanced weights are those of the positives', () => {
    expect([...kind.balancedWeights(Int32Array.of(1, 0, 0, 0, 0, 1, 0, 0), 2)]).toEqual([3, 3])
  })
})

describe('token classification', () => {
  test('the score of a head is the F1 of its entities', () => {
    const head = tags(['O', 'B-a', 'I-a'])
    const metrics = kindOf(head).metrics(head, [['B-a', 'O', 'O', 'O']], [['O', 'O', 'O', 'O']])
    expect(metrics).toMatchObject({ accuracy: 0.75, f1: 0 })
    expect(kindOf(head).mainMeasure(head, { type: head.type, examples: 1, ...metrics } as never)).toBe(0)
  })

  test('BILOU is read by its own scheme', () => {
    const head = tags(['O', 'B-a', 'I-a', 'L-a', 'U-a'])
    // Read by the scheme, an entity that is never closed is none.
    expect(kindOf(head).metrics(head, [['B-a', 'L-a']], [['B-a', 'I-a']])).toMatchObject({ f1: 0 })
  })

  test('transformers has one dropout for it, before the layer', () => {
    const head = { ...tags(['O', 'B-a']), inputDropout: 0.4, dropout: 0.2 }
    const keys = { keys: ['x'], fallback: 0 }
    const classifiers = { dropout: { tokens: keys } } as never
    expect(kindOf(head).checkpoint!.dropout(head, classifiers)).toEqual({ keys, rate: 0.4 })
  })
})

describe('metrics in a checkpoint', () => {
  const rates = { precision: 0.5, recall: 0.25, f1: 1 / 3 }
  const scores = [{ label: 'a', ...rates, support: 4 }]
  const classes = { type: 'classification', examples: 3, accuracy: 0.5, microF1: NaN, macroF1: 0.5, labels: scores }
  const entities = { type: 'token-classification', loss: 0.1, examples: 3, accuracy: 0.5, ...rates, types: scores }

  const read = (metrics: object) => {
    const evaluation = { losses: {}, metrics: { head: metrics }, score: 0, custom: {}, examples: 3, tokens: 9, truncated: 0, seconds: 1 }
    const earlyStopping = { metric: 'score', mode: 'max', minDelta: 0, patience: null }
    const course = {
      epochs: 1,
      maxSteps: null,
      evaluateEvery: null,
      earlyStopping,
      scoreWeights: {},
      metrics: [],
      evaluate: null,
      restoreBest: false,
    }
    const watch = { best: null, reference: null, stale: 0 }
    const evaluations = [{ epoch: 0, step: 1, value: 0, evaluation }]
    const fit = { course, firstStep: 0, history: [], evaluations, settled: 0, watch, best: -1, isOver: false }
    return parseFit(new Fields(fit, 'trainer.json')).evaluations[0]!.evaluation.metrics.head as HeadMetrics
  }

  test.each([
    ['of classes', classes],
    ['of independent labels', { ...classes, micro: rates, samples: rates }],
    ['of entities, whose labels follow no scheme', entities],
    ['of entities in a scheme', { ...entities, strict: { scheme: 'BILOU', ...rates } }],
  ])('%s come back', (_, metrics) => {
    expect(read(metrics)).toEqual(metrics)
  })

  test.each([
    ['another type', { ...classes, type: 'regression' }, /'classification' or 'token-classification' for type/],
    ['a measure that is missing', { ...classes, microF1: undefined }, /a number for microF1/],
    ['a measure of another type', { ...classes, f1: 1 }, /the unknown key "f1"/],
    ['an unknown scheme', { ...entities, strict: { scheme: 'IOB3', ...rates } }, /one of IOB2.* for scheme/],
  ])('%s is refused', (_, metrics, message) => {
    expect(() => read(metrics)).toThrow(message)
  })
})
