import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { openData } from '../../lib/cli/data-files'
import { headsOf } from '../../lib/cli/data-heads'
import { StepSummary, type MetricsLine } from '../../lib/cli/metrics-file'
import { durationText, textTable } from '../../lib/cli/table'
import { checkConfig, configSchema, merged, readConfig, type TrainConfig } from '../../lib/cli/train-config'
import { progressLine } from '../../lib/cli/train-display'
import { addFlags, flagOf } from '../../lib/cli/train-flags'
import { TRAIN_OPTIONS, TRAINING_OPTIONS } from '../../lib/cli/train-options'
import { addFields } from '../../lib/cli/values'
import { Dataset } from '../../lib/data/dataset'
import { FIT_KEYS } from '../../lib/training/options/fit'
import { TRAIN_KEYS } from '../../lib/training/options/train'
import { scratch } from '../support/scratch'

function flags(...args: string[]): TrainConfig {
  const command = addFlags(new Command('train').exitOverride().configureOutput({ writeErr: () => {} }))
  return command.parse(args, { from: 'user' }).opts<TrainConfig>()
}

test('every option of the trainer and of fit that can be written as text has a flag', () => {
  const functions = ['onProgress', 'onStep', 'onEpoch', 'onEvaluate', 'signal', 'metrics']
  const own = ['evaluate', 'saveBest', 'report'] // --eval, and files in --output
  const expected = [...TRAIN_KEYS, ...FIT_KEYS].filter((key) => ![...functions, ...own].includes(key))
  expect(Object.keys(TRAINING_OPTIONS).sort()).toEqual([...new Set(expected)].sort())
  const help = addFlags(new Command()).helpInformation()
  for (const key of Object.keys(TRAIN_OPTIONS)) expect(help).toContain(`${flagOf(key)}`)
})

describe('flags', () => {
  test.each<[string[], TrainConfig]>([
    [['--learning-rate', '2e-5', '--batch-size', '8'], { learningRate: 2e-5, batchSize: 8 }],
    [['--train', 'a.jsonl', '--train', 'b.jsonl'], { train: ['a.jsonl', 'b.jsonl'] }],
    [['--uncertainty', '--no-group-by-length'], { uncertainty: true, groupByLength: false }],
    [['--freeze', 'encoder'], { freeze: 'encoder' }],
    [['--freeze', 'layers=6'], { freeze: { layers: 6 } }],
    [['--freeze', '["embeddings",{"layers":2}]'], { freeze: ['embeddings', { layers: 2 }] }],
    [['--betas', '[0.9,0.98]'], { betas: [0.9, 0.98] }],
    [['--early-stopping', 'patience=2,metric=slots.f1'], { earlyStopping: { patience: 2, metric: 'slots.f1' } }],
    [['--tasks', 'slots.weight=2', '--tasks', 'intent=false'], { tasks: { slots: { weight: 2 }, intent: false } }],
    [['--head', 'intent.hidden=[128,64],intent.dropout=0.2'], { head: { intent: { hidden: [128, 64], dropout: 0.2 } } }],
    [['--unfreeze', '[{"every":{"epoch":1},"what":"next"}]'], { unfreeze: [{ every: { epoch: 1 }, what: 'next' }] }],
  ])('%j', (args, config) => expect(flags(...args)).toEqual(config))

  test.each([
    [['--learning-rate', 'fast'], /--learning-rate <number>' argument 'fast' is invalid. Expected a number/],
    [['--batch-size', '1.5'], /Expected an integer/],
    [['--optimizer', 'sgd'], /Allowed choices are adamw, adam/],
    [['--betas', '[0.9'], /\[0.9 is not JSON/],
    [['--tasks', 'slots'], /Expected option=value, received 'slots'/],
    [['--learning-rat', '1'], /unknown option '--learning-rat'\n\(Did you mean --learning-rate\?\)/],
  ])('%j is refused', (args, message) => expect(() => flags(...args)).toThrow(message))

  test('a key that every object has is an ordinary key', () => {
    addFields('__proto__.weight=1')
    expect(({} as { weight?: number }).weight).toBeUndefined()
  })
})

describe('the configuration file', () => {
  test('its schema in the package is made from the table', () => {
    const committed: unknown = JSON.parse(readFileSync(join(__dirname, '../../schema/train.schema.json'), 'utf8'))
    // If not: npm run build && node scripts/make-schema.mjs
    expect(committed).toEqual(JSON.parse(JSON.stringify(configSchema())))
  })

  test.each([
    [{ learningrate: 1 }, /Unknown option 'learningrate' for train.json. Did you mean 'learningRate'\?/],
    [{ lr: 1 }, /Did you mean 'learningRate'\?/],
    [{ epochs: '3' }, /Expected an integer for 'epochs' in train.json, received "3"/],
    [{ optimizer: 'sgd' }, /Expected one of "adamw", "adam" for 'optimizer' in train.json/],
    [{ freeze: 3 }, /Expected a string or an object or an array for 'freeze'/],
    [{ train: [1] }, /Expected an array of strings for 'train' in train.json/],
    [[], /an options object/],
  ])('%j is refused', (config, message) => {
    expect(() => checkConfig(config, 'train.json')).toThrow(expect.objectContaining({ message: expect.stringMatching(message) }))
  })

  test('a file that is absent or is not JSON is ERR_FILE', async () => {
    const file = join(scratch(), 'train.json')
    await expect(readConfig(file)).rejects.toMatchObject({ code: 'ERR_FILE', message: expect.stringContaining('does not exist') })
    writeFileSync(file, '{"epochs": 3,}')
    await expect(readConfig(file)).rejects.toMatchObject({ code: 'ERR_FILE', message: expect.stringContaining('as JSON') })
  })

  test('one data set may be a string; flags replace values and single fields', () => {
    const config = checkConfig({ $schema: 'x', train: 'a.jsonl', epochs: 3, head: { intent: { hidden: [4] } } }, 'train.json')
    expect(merged(config, { epochs: 5, head: { slots: { dropout: 0 } } })).toEqual({
      train: ['a.jsonl'],
      epochs: 5,
      head: { intent: { hidden: [4] }, slots: { dropout: 0 } },
    })
  })
})

describe('data', () => {
  const DATA = join(__dirname, '../fixtures')
  const file = (name: string, content: string): string => {
    const path = join(scratch(), name)
    writeFileSync(path, content)
    return path
  }

  test.each([
    ['a.jsonl', '{"text":"hi","labels":{"label":"x"}}\n'],
    ['a.json', '[["hi","x"]]'],
    ['a.csv', 'text,label\nhi,x\n'],
    ['a.TSV', 'text\tlabel\nhi\tx\n'],
    ['a.conll', 'hi\tO\n'],
    ['rasa.json', '{"rasa_nlu_data":{"common_examples":[{"text":"hi","intent":"x","entities":[]}]}}'],
    ['a.yml', 'version: "3.1"\nnlu:\n- intent: x\n  examples: |\n    - hi\n'],
  ])('the format of %s follows from its name', async (name, content) => {
    const data = await openData(file(name, content), {})
    expect(data.examples.map(({ text }) => text)).toEqual(['hi'])
    expect(data.heads).toHaveLength(1 + Number(/^rasa|yml$/.test(name)))
  })

  test('another name needs --format, and a folder needs seq.in', async () => {
    await expect(openData(file('a.txt', 'hi\tO\n'), {})).rejects.toThrow(/Set it with --format: jsonl, /)
    expect(await openData(file('a.txt', 'hi\tO\n'), { format: 'conll' })).toHaveLength(1)
    await expect(openData(DATA, {})).rejects.toThrow(/is a folder without a file seq.in/)
    await expect(openData('/nowhere.csv', {})).rejects.toMatchObject({ code: 'ERR_FILE', message: expect.stringMatching(/does not exist/) })
  })

  test('heads are made from the labels', async () => {
    const data = await Dataset.from([
      { text: 'a b', words: ['a', 'b'], labels: { intent: 'x', topics: ['p', 'q', 'p'], slots: ['O', 'B-y'], spam: true } },
      { text: 'b', labels: { intent: 'w', places: [{ start: 0, end: 1, label: 'z' }] } },
    ])
    expect(headsOf([data], { intent: { hidden: [3] } })).toEqual([
      { name: 'intent', type: 'classification', labels: ['w', 'x'], hidden: [3] },
      { name: 'places', type: 'token-classification', labels: ['B-z', 'I-z', 'O'] },
      { name: 'slots', type: 'token-classification', labels: ['B-y', 'O'] },
      { name: 'spam', type: 'classification', labels: ['spam'] },
      { name: 'topics', type: 'classification', labels: ['p', 'q'], multiLabel: true },
    ])
    expect(() => headsOf([data], { intentt: {} })).toThrow(/Did you mean 'intent'/)
  })
})

describe('what is shown', () => {
  const progress = {
    epoch: 0, step: 30, steps: 120, examples: 480, totalExamples: 1920, tokens: 1, seconds: 10, eta: 30,
    examplesPerSecond: 48.25, tokensPerSecond: 1, loss: 1.23456, learningRate: 1e-5, skippedSteps: 0,
  } // prettier-ignore
  const losses = { intent: 0.5, slots: 0.73 }

  test.each([
    [120, 'epoch 1/3  [====            ]  25 %  loss 1.235  intent 0.500  slots 0.730  48 examples/s  1:50 min left'],
    [85, 'epoch 1/3  25 %  loss 1.235  intent 0.500  slots 0.730  48 examples/s  1:50 min left'],
    [60, 'epoch 1/3  25 %  intent 0.500  slots 0.730  1:50 min left'],
    [50, 'epoch 1/3  25 %  loss 1.235  1:50 min left'],
    [32, 'epoch 1/3  25 %  1:50 min left'],
    [5, '25 %'],
  ])('progress in %d columns', (width, line) => expect(progressLine(progress, losses, 3, width)).toBe(line))

  test('without a number of epochs, the time is that of the epoch', () => {
    expect(progressLine(progress, losses, undefined, 40)).toBe('epoch 1  25 %  30 s left in it')
  })

  test('a log has no bar', () => expect(progressLine(progress, losses, 3)).not.toContain('['))

  test('durations and tables', () => {
    expect([0.04, 9.96, 12, 100, 5999, 6000, Infinity].map(durationText)).toEqual(['0.0 s', '10.0 s', '12 s', '1:40 min', '99:59 min', '1:40 h', '–']) // prettier-ignore
    expect(textTable([['', 'a'], ['long', '1.5']])).toBe('        a\nlong  1.5') // prettier-ignore
  })
})

test('a line of metrics is the mean of its steps; skipped steps are left out', () => {
  const lines: MetricsLine[] = []
  const summary = new StepSummary(2, (line) => lines.push(line))
  const step = (applied: number, loss: number, isApplied = true) => ({
    epoch: 0, step: applied, applied, isApplied, loss, losses: { a: loss }, gradientNorm: 1, learningRates: { heads: applied },
  }) // prettier-ignore
  summary.add(step(1, 1))
  summary.add(step(1, NaN, false))
  summary.add(step(2, 2))
  summary.add(step(3, 5))
  expect(lines).toEqual([
    { type: 'steps', epoch: 0, step: 2, steps: 2, loss: 1.5, losses: { a: 1.5 }, gradientNorm: 1, learningRates: { heads: 2 } },
  ])
  summary.flush()
  summary.flush()
  expect(lines).toHaveLength(2)
})
