import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Embeddings, Model } from '../../lib'
import { startCommand, type Ending } from '../support/child'
import { scratch } from '../support/scratch'
import { FIXTURES } from '../support/variant'
import { readJsonLines, readNpy, readSafetensors } from '../support/vector-files'

const MODEL = join(FIXTURES, 'models', 'bert')
const TEXTS = [
  'A cat sat on the mat.',
  '',
  'Grüße aus Köln, 東京 🙂',
  'two  spaces',
  ...Array.from({ length: 40 }, (_, i) => `text number ${i}`),
]
/** What a run leaves on stderr that is no terminal: this line, and nothing else. */
const closing = (texts: number): RegExp =>
  new RegExp(`^${texts.toLocaleString('en-US')} texts?, [\\d,]+ tokens? in \\d+\\.\\d\\d s: [\\d.,]+ texts/s\\n$`)

let model: Model
let folder: string
beforeAll(async () => {
  model = await Model.load(MODEL, { device: 'cpu', threads: 1 })
})
afterAll(() => model.dispose())
beforeEach(() => {
  folder = scratch()
})

const write = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}
const bytesOf = ({ data }: { data: Float32Array | Int8Array }): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength)

/** Runs `sentorch ARGS` to its end, `input` in its stdin. */
function sentorch(args: readonly string[], input = '', environment: NodeJS.ProcessEnv = {}): Promise<Ending> {
  const { child, ending } = startCommand(args, environment)
  child.stdin.end(input)
  return ending
}

const ON = ['--model', MODEL, '--device', 'cpu', '--threads', '1']
const encode = (input: string, output: string, ...more: string[]): string[] => [
  'encode',
  ...ON,
  '--input',
  input,
  '--output',
  output,
  ...more,
]

describe('encode gives what model.encode gives', () => {
  test('.txt to .npy', async () => {
    const output = join(folder, 'v.npy')
    const ended = await sentorch(encode(write('t.txt', TEXTS.join('\r\n')), output))
    expect(ended).toEqual({ code: 0, signal: null, stdout: '', stderr: expect.stringMatching(closing(TEXTS.length)) })
    const expected = await model.encode(TEXTS)
    expect(readNpy(output)).toEqual({ dtype: '<f4', shape: [TEXTS.length, expected.dimension], bytes: bytesOf(expected) })
    expect(readdirSync(folder).sort()).toEqual(['t.txt', 'v.npy'])
  })

  test('.json to .jsonl, with options', async () => {
    const output = join(folder, 'v.jsonl')
    const options = ['--truncate-dim', '5', '--normalize', '--pooling', 'cls', '--prompt-name', 'query']
    const ended = await sentorch(encode(write('t.json', JSON.stringify(TEXTS)), output, ...options))
    expect(ended).toEqual({ code: 0, signal: null, stdout: '', stderr: expect.stringMatching(closing(TEXTS.length)) })
    const expected = await model.encode(TEXTS, { truncateDim: 5, normalize: true, pooling: 'cls', promptName: 'query' })
    expect(readJsonLines(output).map((row) => Float32Array.from(row))).toEqual([...expected])
  })

  test('.jsonl with --field to .safetensors', async () => {
    const output = join(folder, 'v.safetensors')
    const rows = TEXTS.map((body, id) => JSON.stringify({ id, body }))
    const ended = await sentorch(encode(write('t.jsonl', rows.join('\n\n')), output, '--field', 'body'))
    expect(ended).toEqual({ code: 0, signal: null, stdout: '', stderr: expect.stringMatching(closing(TEXTS.length)) })
    const expected = await model.encode(TEXTS)
    expect(await readSafetensors(output)).toEqual({
      name: 'embeddings',
      dtype: 'F32',
      shape: [TEXTS.length, expected.dimension],
      bytes: bytesOf(expected),
      metadata: { ...expected.source!, precision: 'float32' },
    })
  })

  test('stdin to .npy, binary', async () => {
    const output = join(folder, 'v.npy')
    const ended = await sentorch(encode('-', output, '--precision', 'binary'), TEXTS.join('\n') + '\n')
    expect(ended).toEqual({ code: 0, signal: null, stdout: '', stderr: expect.stringMatching(closing(TEXTS.length)) })
    const expected = await model.encode(TEXTS, { precision: 'binary' })
    expect(readNpy(output)).toEqual({ dtype: '|i1', shape: [TEXTS.length, model.info.dimension / 8], bytes: bytesOf(expected) })
  })

  test('JSON lines on stdin to stdout', async () => {
    const { code, stdout, stderr } = await sentorch(encode('-', '-', '--field', 't'), '{"t":"one"}\n{"t":"two"}\n')
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(closing(2)) })
    const rows = stdout.trimEnd().split('\n').map((line) => Float32Array.from(JSON.parse(line) as number[])) // prettier-ignore
    expect(rows).toEqual([...(await model.encode(['one', 'two']))])
  })
})

describe('similarity', () => {
  test('two texts give one number, more give a matrix, and --json all of it', async () => {
    const texts = ['a cat', 'a dog', 'rain']
    const vectors = await model.encode(texts)
    const expected = model.similarity(vectors, vectors).toArray()
    expect(await sentorch(['similarity', ...ON, 'a cat', 'a dog'])).toMatchObject({ code: 0, stdout: `${expected[0]![1]!.toFixed(4)}\n`, stderr: '' }) // prettier-ignore
    const { stdout } = await sentorch(['similarity', ...ON, '--json'], texts.join('\n'))
    expect(JSON.parse(stdout)).toEqual({ measure: 'cosine', texts, similarity: expected })
    expect((await sentorch(['similarity', ...ON], texts.join('\n'))).stdout).toMatch(
      /^ +1 +2 +3\n1 +1.0000 [^]*\n\n1 {2}a cat\n2 {2}a dog\n3 {2}rain\n$/,
    )
    expect(await sentorch(['similarity', ...ON, 'alone'])).toMatchObject({ code: 2, stdout: '' })
  })
})

describe('search', () => {
  const CORPUS = ['A cat sat on the mat.', 'rain in the north', 'a dog', 'the sun']
  const search = (...args: string[]) => ['search', ...ON, ...args]

  test('finds what model.search finds, and keeps the vectors next to the corpus', async () => {
    const corpus = write('corpus.txt', CORPUS.join('\n'))
    const [hits] = await model.search(await model.encodeQuery(['a cat']), await model.encodeDocument(CORPUS), { topK: 2 })
    const first = await sentorch(search(corpus, 'a cat', '--top-k', '2', '--json'))
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(first.stdout)).toEqual({ query: 'a cat', hits: hits!.map((hit) => ({ ...hit, text: CORPUS[hit.index] })) })
    const stored = statSync(`${corpus}.vectors.safetensors`)
    const second = await sentorch(search(corpus, '--top-k', '1'), 'a cat\nthe sun\n')
    expect(second.stdout).toMatch(/^a cat\n\d\.\d{4} {2}\d {2}.*\n\nthe sun\n0\.\d{4} {2}4 {2}the sun\n/)
    expect(statSync(`${corpus}.vectors.safetensors`).mtimeMs).toBe(stored.mtimeMs)
  })

  test('vectors of another model are refused until --rebuild; a changed corpus is encoded again', async () => {
    const corpus = write('corpus.txt', CORPUS.join('\n'))
    const file = `${corpus}.vectors.safetensors`
    const other = new Embeddings((await model.encode(CORPUS)).data, model.info.dimension, {
      ...(await model.encode(CORPUS)).source!,
      fingerprint: '0'.repeat(32),
    })
    await other.save(file)
    expect(await sentorch(search(corpus, 'a cat'))).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(new RegExp(`ERR_MODEL_MISMATCH.*0{32}.*${model.fingerprint}.*--rebuild`)),
    })
    expect(await sentorch(search(corpus, 'a cat', '--rebuild'))).toMatchObject({ code: 0, stderr: '' })
    expect((await Embeddings.load(file)).fingerprint).toBe(model.fingerprint)
    writeFileSync(corpus, [...CORPUS, 'a new line'].join('\n'))
    expect((await sentorch(search(corpus, 'a new line', '--top-k', '1'))).stdout).toMatch(/^0\.\d{4} {2}5 {2}a new line\n$/)
  })
})

describe('wrong calls exit with 2 and make no file', () => {
  test.each<[string, string[], RegExp]>([
    ['an unknown option', encode('-', 'v.npy', '--colour', 'red'), /unknown option '--colour'/],
    ['an unknown command', ['embed'], /unknown command 'embed'/],
    ['no output', ['encode', ...ON, '--input', '-'], /required option '--output/],
    ['an output of no known format', encode('-', 'v.csv'), /--output v\.csv/],
    ['a range that a stream cannot know', encode('-', 'v.npy', '--precision', 'int8'), /needs --ranges/],
    [
      'an option that does not fit the model',
      encode('-', 'v.npy', '--truncate-dim', '33'),
      /^sentorch: \[ERR_INVALID_ARGUMENT\] .*truncateDim/,
    ],
  ])('%s', async (_name, args, message) => {
    const { code, signal, stdout, stderr } = await sentorch(args.map((arg) => (arg.startsWith('v.') ? join(folder, arg) : arg)))
    expect({ code, signal, stdout }).toEqual({ code: 2, signal: null, stdout: '' })
    expect(stderr.replaceAll(`${folder}/`, '')).toMatch(message)
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('failures exit with 1, one line, and leave the old file', () => {
  const failures: [string, () => string[], RegExp][] = [
    [
      'a broken line',
      () => encode(write('t.jsonl', '{"text":"a"}\n{"text":\n'), join(folder, 'v.npy')),
      /^sentorch: \[ERR_FILE\] .*t\.jsonl:2: .*\n$/,
    ],
    [
      'a missing model',
      () => ['encode', '--model', join(folder, 'none'), '--input', '-', '--output', join(folder, 'v.npy')],
      /^sentorch: \[ERR_MODEL_NOT_FOUND\] .*none.*\n$/,
    ],
    ['a missing input', () => encode(join(folder, 'none.txt'), join(folder, 'v.npy')), /^sentorch: \[ERR_FILE\] .*none\.txt.*\n$/],
  ]
  test.each(failures)('%s', async (_name, args, line) => {
    write('v.npy', 'old')
    const { code, signal, stdout, stderr } = await sentorch(args())
    expect({ code, signal, stdout }).toEqual({ code: 1, signal: null, stdout: '' })
    expect(stderr).toMatch(line)
    expect(readFileSync(join(folder, 'v.npy'), 'utf8')).toBe('old')
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  test('--verbose adds the stack', async () => {
    const { code, stderr } = await sentorch(['--verbose', ...failures[1]![1]()])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^sentorch: \[ERR_MODEL_NOT_FOUND\] .*\n[^]*\n {4}at /)
  })
})

test('SIGINT in mid-run leaves no file', async () => {
  const { child, ending } = startCommand(encode('-', join(folder, 'v.npy')))
  // More than two batches, and an end that does not come: the run has written rows and waits for more.
  child.stdin.write('a line\n'.repeat(4096))
  const written = (): boolean => readdirSync(folder).some((name) => readFileSync(join(folder, name)).length > 128)
  for (const end = Date.now() + 30_000; !written() && Date.now() < end;) await sleep(20)
  expect(written()).toBe(true)
  child.kill('SIGINT')
  expect(await ending).toEqual({ code: 1, signal: null, stdout: '', stderr: expect.stringMatching(/^sentorch: \[ERR_ABORTED\] .*\n$/) })
  expect(readdirSync(folder)).toEqual([])
})

/** Much to tokenize, little to encode: what the tokenizer keeps of each text would show. */
const WORDS = 'a short line of text '.repeat(7)

/** Largest resident set of a run over `lines` lines, in MB, sampled by the process itself. */
async function peakOf(lines: number): Promise<number> {
  const file = join(folder, `peak-${lines}`)
  const sampler = `import { writeFileSync } from 'node:fs'
    let peak = 0
    setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 10).unref()
    process.on('exit', () => writeFileSync(${JSON.stringify(file)}, String(peak)))`
  const output = join(folder, `${lines}.npy`)
  const { child, ending } = startCommand(encode('-', output, '--max-length', '8'), {}, [
    `--import=data:text/javascript,${encodeURIComponent(sampler)}`,
  ])
  const source = function* () {
    for (let i = 0; i < lines; i += 100) yield Array.from({ length: 100 }, (_, j) => `${i + j} ${WORDS}\n`).join('')
  }
  await pipeline(Readable.from(source()), child.stdin)
  const { stderr, ...ended } = await ending
  const [summary, truncated, ...rest] = stderr.split(/(?<=\n)/)
  expect(ended).toEqual({ code: 0, signal: null, stdout: '' })
  expect(summary).toMatch(closing(lines))
  const count = lines.toLocaleString('en-US')
  expect(truncated).toMatch(new RegExp(`^${count} of ${count} texts had more tokens than the limit and were cut\\. .*\\n$`))
  expect(rest).toEqual([])
  expect(readNpy(output)).toMatchObject({ shape: [lines, model.info.dimension], bytes: { length: 4 * lines * model.info.dimension } })
  return Number(readFileSync(file, 'utf8')) / 2 ** 20
}

test('20,000 lines through a pipe in flat memory', async () => {
  const few = await peakOf(2_000)
  expect(await peakOf(20_000)).toBeLessThan(few + 150)
})

describe('doctor --json', () => {
  test('says that encode works', async () => {
    const { code, stdout, stderr } = await sentorch(['doctor', '--json'])
    expect({ code, stderr, diagnosis: JSON.parse(stdout) }).toEqual({
      code: 0,
      stderr: '',
      diagnosis: expect.objectContaining({ ok: true, devices: expect.arrayContaining(['cpu']) }),
    })
  })

  test('with SENTORCH_LIBTORCH at an empty folder', async () => {
    const empty = join(folder, 'empty')
    mkdirSync(empty)
    const { code, stdout, stderr } = await sentorch(['doctor', '--json'], '', { SENTORCH_LIBTORCH: empty })
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    const { ok, libtorch, problems } = JSON.parse(stdout) as {
      ok: boolean
      libtorch: object
      problems: { severity: string; fix: string }[]
    }
    expect({ ok, libtorch }).toMatchObject({
      ok: false,
      libtorch: { found: null, places: expect.arrayContaining([expect.objectContaining({ place: empty })]) },
    })
    expect(problems.filter(({ severity }) => severity === 'error')).toHaveLength(1)
  })
})
