import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Model } from '../../lib'
import { startCommand, type Ending } from '../support/child'
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
  const { code, stdout, stderr } = await sentorch('train', ...ON, '--output', output, '--epochs', '2', '--batch-size', '4', '--learning-rate', '1e-2') // prettier-ignore
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^epoch 1\/2: 10 steps in .* s, loss \d\.\d{4}, score \d\.\d{4} \(best\)\n {6}/)
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
