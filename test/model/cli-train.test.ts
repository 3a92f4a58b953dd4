import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Dataset, Model } from '../../lib'
import { startCommand, type Ending } from '../support/child'
import { describePython } from '../support/python'
import { scratch } from '../support/scratch'
import { FIXTURES } from '../support/variant'

const MODEL = join(FIXTURES, 'models', 'bert')
const WORDS = ['cat', 'dog', 'sun', 'rain']
const rows = (n: number) =>
  Array.from({ length: n }, (_, i) => ({
    text: `the ${WORDS[i % 4]} number ${i}`,
    labels: {
      kind: i % 4 < 2 ? 'animal' : 'weather',
      what: [{ start: 4, end: 4 + WORDS[i % 4]!.length, label: i % 4 < 2 ? 'pet' : 'sky' }],
    },
  }))

let folder: string
let ON: string[]
beforeEach(() => {
  folder = scratch()
  const file = (name: string, n: number) => {
    writeFileSync(join(folder, name), rows(n).map((row) => JSON.stringify(row) + '\n').join('')) // prettier-ignore
    return join(folder, name)
  }
  ON = ['--model', MODEL, '--device', 'cpu', '--threads', '1', '--train', file('train.jsonl', 40), '--eval', file('dev.jsonl', 8)]
})

function sentorch(...args: string[]): Promise<Ending> {
  const { child, ending } = startCommand(args)
  child.stdin.end()
  return ending
}
const linesOf = (file: string) => readFileSync(file, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>) // prettier-ignore

test('trains, evaluates, and leaves a model that predicts, and nothing else that a run needs only for itself', async () => {
  const output = join(folder, 'out')
  const { code, stdout, stderr } = await sentorch('train', ...ON, '--output', output, '--epochs', '2', '--batch-size', '4', '--learning-rate', '1e-2', '--tensorboard', join(folder, 'events')) // prettier-ignore
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^epoch 1\/2: 10 steps, .* s, loss \d\.\d{4}, score \d\.\d{4}, best\n {6}/)
  expect(stdout).toMatch(/20 steps in .*; best score .*\nThe model is in .*out\n$/)
  const lines = linesOf(join(output, 'metrics.jsonl'))
  expect(lines.map(({ type }) => type)).toEqual(['start', 'steps', 'evaluation', 'epoch', 'steps', 'evaluation', 'epoch', 'end'])
  expect(lines.at(-1)).toMatchObject({ steps: 20, stopped: 'epochs', best: { value: expect.any(Number) } })
  expect(readdirSync(output)).toEqual(expect.arrayContaining(['config.json', 'model.safetensors', 'train.json', 'metrics.jsonl']))
  for (const name of ['best', 'checkpoint', '.final']) expect(existsSync(join(output, name))).toBe(false)
  await using model = await Model.load(output, { device: 'cpu', threads: 1 })
  expect(model.heads.map(({ name, labels }) => [name, labels])).toEqual([
    ['kind', ['animal', 'weather']],
    ['what', ['B-pet', 'B-sky', 'I-pet', 'I-sky', 'O']],
  ])
  const evaluation = lines.findLast(({ type }) => type === 'evaluation') as unknown as { score: number }
  expect(evaluation.score).toBeGreaterThan(0.5)
})

test('predict, evaluate and inspect work on what train leaves', async () => {
  const output = join(folder, 'out')
  expect(await sentorch('train', ...ON, '--output', output, '--epochs', '1', '--json', '--no-report')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\{\n {2}"output"/) }) // prettier-ignore
  await using model = await Model.load(output, { device: 'cpu', threads: 1 })
  const cpu = ['--model', output, '--device', 'cpu', '--threads', '1']

  const { child, ending } = startCommand(['predict', ...cpu, '--top-k', '2'])
  child.stdin.end('the cat\n\nthe sun\n')
  const predicted = await ending
  expect(predicted).toMatchObject({ code: 0, stderr: expect.stringMatching(/^3 texts, \d+ tokens in/) })
  const expected = await model.predict(['the cat', '', 'the sun'], { topK: 2 })
  expect(predicted.stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as unknown)).toEqual(JSON.parse(JSON.stringify(expected))) // prettier-ignore

  const file = join(folder, 'p.jsonl')
  const refused = await sentorch('predict', ...cpu, '--input', join(folder, 'dev.jsonl'), '--output', file, '--heads', 'nothing')
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/nothing/) })
  expect(existsSync(file)).toBe(false)
  expect(await sentorch('predict', ...cpu, '--input', join(folder, 'dev.jsonl'), '--output', file)).toMatchObject({ code: 0, stdout: '' })
  expect(linesOf(file)).toHaveLength(8)

  const evaluated = await sentorch('evaluate', ...cpu, '--data', join(folder, 'dev.jsonl'), '--json')
  const { seconds: _, ...evaluation } = JSON.parse(JSON.stringify(await model.evaluate(await Dataset.from(rows(8))))) as Record<
    string,
    unknown
  >
  expect(JSON.parse(evaluated.stdout)).toMatchObject(evaluation)
  const table = await sentorch('evaluate', ...cpu, '--data', join(folder, 'dev.jsonl'), '--strict')
  expect(table.stdout).toMatch(
    /^kind\n +precision {4}recall {2}f1-score {3}support\n[^]*\n8 examples: score 0\.\d{4}, frame accuracy \d\.\d{4}\n$/,
  )

  expect(JSON.parse((await sentorch('inspect', output, '--json')).stdout)).toMatchObject({ layers: model.info.layers, heads: [{ name: 'kind' }, { name: 'what' }] }) // prettier-ignore
  const data = await sentorch('inspect', join(folder, 'dev.jsonl'), '--model', output)
  expect(data.stdout).toMatch(
    /^dev.jsonl: 8 examples\n\nkind \(label\): 2 labels in 8 examples\n {2}animal +4\n[^]*lengths in tokens: [^]*no problems found\n$/,
  )
})

test('a reader that closes the pipe early ends predict without an error', async () => {
  const output = join(folder, 'out')
  expect(await sentorch('train', ...ON, '--output', output, '--max-steps', '1', '--no-report')).toMatchObject({ code: 0 })
  const { child, ending } = startCommand(['predict', '--model', output, '--device', 'cpu', '--threads', '1'])
  child.stdout.once('data', () => child.stdout.destroy())
  child.stdin.end('a text of some words\n'.repeat(2000))
  expect(await ending).toMatchObject({ code: 0, signal: null, stderr: '' })
})

describePython("TensorBoard's own reader", (ask) => {
  test('finds the numbers of metrics.jsonl', async () => {
    const events = join(folder, 'events')
    const run = await sentorch('train', ...ON, '--output', join(folder, 'out'), '--epochs', '1', '--batch-size', '4', '--log-every', '2', '--tensorboard', events) // prettier-ignore
    expect(run).toMatchObject({ code: 0 })
    const { scalars } = await ask<{ scalars: Record<string, [number, number][]> }>('events', { folder: events })
    const lines = linesOf(join(folder, 'out', 'metrics.jsonl'))
    const steps = lines.filter(({ type }) => type === 'steps') as unknown as { step: number; loss: number; losses: { what: number } }[]
    expect(scalars['train/loss']).toEqual(steps.map(({ step, loss }) => [step, Math.fround(loss)]))
    expect(scalars['train/loss/what']).toEqual(steps.map(({ step, losses }) => [step, Math.fround(losses.what)]))
    const { score, metrics } = lines.find(({ type }) => type === 'evaluation') as { score: number; metrics: { what: { f1: number } } }
    expect(scalars['eval/score']).toEqual([[10, Math.fround(score)]])
    expect(scalars['eval/what/f1']).toEqual([[10, Math.fround(metrics.what.f1)]])
  })
})

test('Ctrl-C saves a checkpoint and says how to continue; the continued run ends as one that was never stopped', async () => {
  const options = ['--epochs', '20', '--batch-size', '4']
  const stoppedIn = join(folder, 'stopped')
  const { child, ending } = startCommand(['train', ...ON, '--output', stoppedIn, ...options])
  child.stdin.end()
  child.stdout.once('data', () => child.kill('SIGINT'))
  const { code, stderr } = await ending
  expect({ code, stderr }).toEqual({
    code: 130,
    stderr: expect.stringMatching(/^Stopping after this step.*\nStopped after step \d+, in epoch \d+\. Continue with:\n {2}sentorch train --resume --output .*stopped\n$/), // prettier-ignore
  })
  expect(linesOf(join(stoppedIn, 'metrics.jsonl')).map(({ type }) => type)).not.toContain('end')
  expect(await sentorch('train', '--resume', '--output', stoppedIn)).toMatchObject({ code: 0, stderr: '' })
  expect(await sentorch('train', ...ON, '--output', join(folder, 'whole'), ...options)).toMatchObject({ code: 0 })
  const weights = (run: string) => readFileSync(join(folder, run, 'model.safetensors'))
  expect(weights('stopped').equals(weights('whole'))).toBe(true)
})

describe('refused before anything is trained', () => {
  test.each<[string, string[], number, RegExp]>([
    ['no model', ['--train', 'a.jsonl', '--output', 'x'], 2, /--model is missing/],
    ['an option that is misspelt', ['--learning-rat', '1'], 2, /Did you mean --learning-rate/],
    [
      'data that is absent',
      ['--model', MODEL, '--train', '/nowhere.jsonl', '--output', 'x'],
      1,
      /\[ERR_FILE\] Cannot read \/nowhere.jsonl/,
    ],
    ['an option that the trainer refuses', ['--train', 'T', '--model', MODEL, '--output', 'x', '--layer-decay', '2'], 2, /layerDecay/],
    ['nothing to continue', ['--resume', '--output', '/nowhere'], 1, /\[ERR_CHECKPOINT\] Nothing to continue in \/nowhere/],
  ])('%s', async (_name, args, code, message) => {
    const given = args.map((arg) => (arg === 'x' ? join(folder, 'x') : arg === 'T' ? join(folder, 'train.jsonl') : arg))
    const ended = await sentorch('train', ...given)
    expect(ended).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(message) })
    expect(existsSync(join(folder, 'x'))).toBe(false)
  })

  test('a folder with other files, or with an earlier run', async () => {
    const output = join(folder, 'out')
    mkdirSync(output)
    writeFileSync(join(output, 'letter.txt'), 'keep me')
    expect(await sentorch('train', ...ON, '--output', output, '--overwrite')).toMatchObject({ code: 1, stderr: expect.stringMatching(/files that sentorch train has not written/) }) // prettier-ignore
    writeFileSync(join(output, 'train.json'), '{}')
    expect(await sentorch('train', ...ON, '--output', output)).toMatchObject({ code: 1, stderr: expect.stringMatching(/--resume to continue it, or --overwrite/) }) // prettier-ignore
    expect(readdirSync(output)).toEqual(['letter.txt', 'train.json'])
  })
})
