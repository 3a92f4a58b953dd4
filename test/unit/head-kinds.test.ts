import { NO_LABEL } from '../../lib/heads/kind'
import { HEAD_KINDS, HEAD_TYPES, kindOf, measuresOf, metricsFormOf } from '../../lib/heads/kinds'
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
    expect(measuresOf('classification')).toEqual(['loss', 'accuracy', 'microF1', 'macroF1'])
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
