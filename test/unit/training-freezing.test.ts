import type { ResolvedTrain, TrainerOptions } from '../../lib/training/options/train'
import { checkFreezing } from '../../lib/training/parameters/freezing'
import {
  advanceUnfreezing,
  checkUnfreezing,
  frozenAt,
  startUnfreezing,
  stepsUntilUnfreezing,
  type UnfreezingEvent,
  type UnfreezingState,
} from '../../lib/training/parameters/unfreezing'
import { bertParameters, dense, heads, LAYERS, namesOf, refused, relativeBias, resolved, uncertainty } from '../support/parameters'

const parameters = [...bertParameters(), relativeBias, ...dense, ...heads, ...uncertainty]
const model = parameters.filter(({ part }) => part !== 'uncertainty')
const by = (belongs: (p: (typeof parameters)[number]) => boolean) => model.filter(belongs).map(({ name }) => name)
const encoder = by(({ part }) => part === 'embeddings' || part === 'layer' || part === 'relative-bias')
const embeddings = by(({ part }) => part === 'embeddings')
const layers = (from: number, to: number) =>
  by(({ part, index }) => (part === 'layer' && index >= from && index < to) || (part === 'relative-bias' && from === 0 && to > 0))

const withUncertainty = (options: TrainerOptions): ResolvedTrain => resolved({ uncertainty: true, ...options })
function frozen(options: TrainerOptions): string[] {
  const resolution = withUncertainty(options)
  checkFreezing(parameters, resolution, LAYERS)
  return namesOf(parameters, frozenAt(parameters, resolution, LAYERS, startUnfreezing([])))
}

describe('freezing', () => {
  test.each<[string, TrainerOptions, string[]]>([
    ['nothing', {}, []],
    ['an empty list', { freeze: [] }, []],
    ['the encoder, not Dense modules and heads', { freeze: 'encoder' }, encoder],
    ['the embeddings', { freeze: 'embeddings' }, embeddings],
    ['the lowest two layers, not the embeddings', { freeze: { layers: 2 } }, layers(0, 2)],
    ['one head', { freeze: { head: 'slots' } }, ['heads.slots.0.weight', 'heads.slots.0.bias']],
    ['by name', { freeze: { match: ['*.query.bias', /^dense/] } }, by(({ name }) => /query\.bias$|^dense/.test(name))],
    ['combined', { freeze: ['embeddings', { layers: 6 }, { head: 'intent' }] }, [...encoder, 'heads.intent.0.weight', 'heads.intent.0.bias']], // prettier-ignore
    ['everything, learnt weights of losses too', { freeze: 'all' }, parameters.map(({ name }) => name)],
    ['everything, combined', { freeze: ['all', 'encoder'] }, parameters.map(({ name }) => name)],
    ['a head without a task', { tasks: { slots: false } }, ['heads.slots.0.weight', 'heads.slots.0.bias']],
  ])('%s', (_, options, expected) => {
    expect(frozen(options).toSorted()).toEqual(expected.toSorted())
  })

  test.each<[string, TrainerOptions, string[]]>([
    ['nothing left', { freeze: ['encoder', { match: 'dense.*' }, { head: 'intent' }, { head: 'slots' }] }, ["freeze: 'all'"]],
    ['nothing left, by one pattern', { freeze: { match: '*' } }, ["freeze: 'all'"]],
    ['nothing left but a head without a task', { freeze: ['encoder', { match: 'dense.*' }, { head: 'intent' }], tasks: { slots: false } }, ["freeze: 'all'"]], // prettier-ignore
    ['a pattern that matches nothing', { freeze: ['encoder', { match: 'encoder.layer.6.*' }] }, ['encoder.layer.6.*', 'freeze[1].match']],
  ])('refused: %s', (_, options, message) => {
    expect(() => frozen(options)).toThrow(refused(...message))
  })
})

/** Names that are frozen after each event; every state crosses JSON, as in a checkpoint. */
function run(options: TrainerOptions, events: readonly UnfreezingEvent[]): string[][] {
  const resolution = withUncertainty(options)
  let state: UnfreezingState = startUnfreezing(resolution.unfreeze)
  return events.map((event) => {
    const before = JSON.stringify(state)
    const after = advanceUnfreezing(resolution.unfreeze, state, event)
    expect(JSON.stringify(state)).toBe(before)
    state = JSON.parse(JSON.stringify(after)) as UnfreezingState
    return namesOf(parameters, frozenAt(parameters, resolution, LAYERS, state))
  })
}

const epochs = (...counts: number[]) => counts.map((count) => ({ epochs: count, steps: count * 10 }))
const scores = (...values: number[]) => values.map((score) => ({ score }))

describe('unfreezing', () => {
  test('gradual, an epoch at a time: heads and Dense modules, layers from the top, embeddings', () => {
    const result = run({ freeze: 'all', unfreeze: [{ every: { epoch: 1 }, what: 'next' }] }, epochs(0, 1, 2, 3, 4, 5, 6, 7, 8, 9))
    const expected = [parameters.map(({ name }) => name), encoder]
    for (let top = 5; top >= 0; top--) expected.push([...embeddings, ...layers(0, top)])
    expect(result.map((names) => names.toSorted())).toEqual([...expected, [], []].map((names) => names.toSorted()))
  })

  test('of a frozen encoder, the top layer is next', () => {
    const [none, one] = run({ freeze: 'encoder', unfreeze: [{ at: { epoch: 1 }, what: 'next' }] }, epochs(0, 1))
    expect(none!.toSorted()).toEqual(encoder.toSorted())
    expect(one!.toSorted()).toEqual([...embeddings, ...layers(0, 5)].toSorted())
  })

  test('a head without a task stays frozen, and is not in the way', () => {
    const options: TrainerOptions = { freeze: 'encoder', tasks: { slots: false }, unfreeze: [{ at: { epoch: 1 }, what: 'next' }, { at: { epoch: 2 }, what: 'all' }] } // prettier-ignore
    const slots = ['heads.slots.0.weight', 'heads.slots.0.bias']
    expect(run(options, epochs(1, 2)).map((names) => names.toSorted())).toEqual(
      [[...embeddings, ...layers(0, 5), ...slots], slots].map((names) => names.toSorted()),
    )
  })

  test.each<[string, TrainerOptions['unfreeze'], string[]]>([
    ['all', [{ at: { epoch: 1 }, what: 'all' }], []],
    ['the encoder', [{ at: { epoch: 1 }, what: 'encoder' }], []],
    ['the embeddings', [{ at: { epoch: 1 }, what: 'embeddings' }], layers(0, 6)],
    ['the top two layers', [{ at: { epoch: 1 }, what: { topLayers: 2 } }], [...embeddings, ...layers(0, 4)]],
    ['the lowest two layers', [{ at: { epoch: 1 }, what: { layers: 2 } }], [...embeddings, ...layers(2, 6)]],
    ['by name', [{ at: { epoch: 1 }, what: { match: 'encoder.layer.*' } }], [...embeddings, relativeBias.name]],
  ])('%s', (_, unfreeze, expected) => {
    expect(run({ freeze: 'encoder', unfreeze }, epochs(1))[0]!.toSorted()).toEqual(expected.toSorted())
  })

  test('by step: once, and again and again, also when a step is skipped over', () => {
    const counts = (options: TrainerOptions, steps: number[]) =>
      run(
        options,
        steps.map((step) => ({ epochs: 0, steps: step })),
      ).map((names) => names.length)
    const [whole, one, two, four] = [encoder.length, 16, 32, 64].map((n, i) => (i === 0 ? n : encoder.length - n))
    const once: TrainerOptions = { freeze: 'encoder', unfreeze: [{ at: { step: 5 }, what: 'next' }] }
    expect(counts(once, [4, 5, 6, 100])).toEqual([whole, one, one, one])
    const often: TrainerOptions = { freeze: 'encoder', unfreeze: [{ every: { step: 5 }, what: 'next' }] }
    expect(counts(often, [4, 5, 9, 10, 22])).toEqual([whole, one, one, two, four])
  })

  test('steps until the next rule', () => {
    const { unfreeze } = withUncertainty({
      freeze: 'encoder',
      unfreeze: [
        { at: { step: 7 }, what: { topLayers: 1 } },
        { every: { step: 5 }, what: 'next' },
        { at: { epoch: 1 }, what: 'all' },
        { at: { plateau: 1 }, what: 'all' },
      ],
    })
    let state = startUnfreezing(unfreeze)
    const at = (steps: number) => {
      state = advanceUnfreezing(unfreeze, state, { epochs: 0, steps })
      return stepsUntilUnfreezing(unfreeze, state, steps)
    }
    expect([0, 4, 5, 6, 7, 10, 13].map(at)).toEqual([5, 1, 2, 1, 3, 5, 2])
    const once = unfreeze.slice(0, 1)
    expect(stepsUntilUnfreezing(once, { ...startUnfreezing(once), fired: [0] }, 9)).toBe(Infinity)
    expect(stepsUntilUnfreezing([], startUnfreezing([]), 0)).toBe(Infinity)
  })

  test.each<[string, number[], number[]]>([
    // Rules that have come into force after each evaluation, for a plateau of 2.
    ['better each time', [0.1, 0.2, 0.3, 0.4], [0, 0, 0, 0]],
    ['twice not above the best', [0.5, 0.4, 0.45, 0.46, 0.47], [0, 0, 1, 1, 2]],
    ['equal is no better', [0.5, 0.5, 0.5], [0, 0, 1]],
    ['a better one in between', [0.5, 0.4, 0.6, 0.5, 0.5], [0, 0, 0, 0, 1]],
    ['not a number is no better', [NaN, NaN, 0.1, NaN, 0.1], [0, 1, 1, 1, 2]],
  ])('plateau: %s', (_, values, fired) => {
    const { unfreeze } = withUncertainty({ freeze: 'encoder', unfreeze: [{ every: { plateau: 2 }, what: 'next' }] })
    let state = startUnfreezing(unfreeze)
    const found = scores(...values).map((event) => (state = advanceUnfreezing(unfreeze, state, event)).fired.length)
    expect(found).toEqual(fired)
  })

  test('a plateau that is waited for once comes once', () => {
    const result = run({ freeze: 'encoder', unfreeze: [{ at: { plateau: 1 }, what: 'next' }] }, scores(0.5, 0.4, 0.3, 0.2))
    expect(result.map((names) => encoder.length - names.length)).toEqual([0, 16, 16, 16])
  })

  test('two rules that differ in unit keep the order in which they came', () => {
    const options: TrainerOptions = {
      freeze: 'encoder',
      unfreeze: [
        { at: { epoch: 2 }, what: 'next' },
        { at: { step: 5 }, what: { topLayers: 3 } },
      ],
    }
    const [three, four] = run(options, epochs(1, 2))
    expect(encoder.length - three!.length).toBe(48)
    expect(encoder.length - four!.length).toBe(64)
  })

  test.each<[string, TrainerOptions, string[]]>([
    ['what is not frozen', { freeze: 'embeddings', unfreeze: [{ at: { epoch: 1 }, what: { topLayers: 1 } }] }, ['unfreeze[0]', 'does not name a frozen parameter']], // prettier-ignore
    ['a pattern that matches nothing', { freeze: 'all', unfreeze: [{ at: { epoch: 1 }, what: { match: 'pooler.*' } }] }, ['pooler.*', 'unfreeze[0].what.match']], // prettier-ignore
  ])('refused: %s', (_, options, message) => {
    expect(() => checkUnfreezing(parameters, withUncertainty(options), LAYERS)).toThrow(refused(...message))
  })

  test('sound rules pass', () => {
    const options = withUncertainty({ freeze: ['encoder', { head: 'slots' }], unfreeze: [{ every: { epoch: 1 }, what: 'next' }, { at: { step: 3 }, what: { head: 'slots' } }] }) // prettier-ignore
    expect(() => checkUnfreezing(parameters, options, LAYERS)).not.toThrow()
  })
})
