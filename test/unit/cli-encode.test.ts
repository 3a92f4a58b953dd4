import * as fs from 'node:fs'
import * as path from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import { Command, CommanderError } from 'commander'
import { encodeInto, register, type EncodeJob, type StreamingEncoder } from '../../lib/cli/encode'
import { closingLine } from '../../lib/cli/meters'
import { inputFormat, openInput } from '../../lib/cli/input'
import { outputFormat } from '../../lib/cli/output'
import { Embeddings } from '../../lib/encode/embeddings'
import { aborted, SentorchError } from '../../lib/base/errors'
import { scratch } from '../support/scratch'
import { redrawn, terminal } from '../support/terminal'

/** Gives [length, index] for each text, three texts at a time. */
const model: StreamingEncoder = {
  encode: async () => new Embeddings(new Float32Array(0), 2),
  async *encodeStream(texts, { onProgress, signal }) {
    let rows: number[] = []
    let count = 0
    const batch = () => {
      onProgress?.({ texts: count, totalTexts: count, tokens: 5 * count })
      // A text of more than ten characters is too long.
      const truncated = rows.filter((value, i) => i % 2 === 0 && value > 10).length
      return new Embeddings(Float32Array.from(rows), 2, undefined, truncated)
    }
    for await (const text of texts) {
      if (signal?.aborted) throw aborted(signal)
      if (text === 'bad') throw new SentorchError('ERR_NON_FINITE', 'bad text')
      rows.push(text.length, count++)
      if (rows.length < 6) continue
      yield batch()
      rows = []
    }
    if (rows.length) yield batch()
  },
}

let folder: string
let stderr: string
beforeEach(() => {
  folder = scratch()
  stderr = ''
})

async function jobOf(input: string | Readable, output: string, more: Partial<EncodeJob> = {}): Promise<EncodeJob> {
  const signal = more.signal ?? new AbortController().signal
  const file = typeof input === 'string' ? path.join(folder, 'in.txt') : '-'
  if (typeof input === 'string') fs.writeFileSync(file, input)
  const stdin = typeof input === 'string' ? Readable.from([]) : input
  return {
    input: await openInput(file, { format: inputFormat(file)!, field: 'text', stdin, signal }),
    output: output === '-' ? '-' : path.join(folder, output),
    format: outputFormat(output)!,
    options: {},
    signal,
    stdout: new PassThrough(),
    stderr: new Writable({
      write(chunk: Buffer, _encoding, done) {
        stderr += chunk.toString()
        done()
      },
    }),
    ...more,
  }
}

const outputs = (): string[] => fs.readdirSync(folder).filter((name) => name !== 'in.txt')

test('rows in the order of the lines, one closing line and no bar where there is no terminal', async () => {
  await encodeInto(model, await jobOf('a\nbb\n\ndddd\n', 'out.jsonl'))
  expect(fs.readFileSync(path.join(folder, 'out.jsonl'), 'utf8')).toBe('[1,0]\n[2,1]\n[0,2]\n[4,3]\n')
  expect(stderr).toMatch(/^4 texts, 20 tokens in \d+\.\d\d s: [\d,.]+ texts\/s\n$/)
})

test('texts that were cut are counted in the last line', async () => {
  const long = 'x'.repeat(11)
  await encodeInto(model, await jobOf([long, 'a', 'b', 'c', long].join('\n'), 'out.jsonl'))
  expect(stderr).toContain('\n2 of 5 texts had more tokens than the limit and were cut. Use --truncation windows')
  stderr = ''
  await encodeInto(model, await jobOf([long, 'a'].join('\n'), 'out.jsonl'))
  expect(stderr).toContain('\n1 of 2 texts had more tokens than the limit and was cut.')
})

test('stdin to stdout', async () => {
  const job = await jobOf(Readable.from([Buffer.from('a\nbb')]), '-')
  await encodeInto(model, job)
  expect((job.stdout as PassThrough).read().toString()).toBe('[1,0]\n[2,1]\n')
})

test('no texts', async () => {
  await encodeInto(model, await jobOf('', 'out.npy'))
  expect(fs.readFileSync(path.join(folder, 'out.npy'), 'latin1')).toContain("'shape': (0, 2)")
  expect(stderr).toMatch(/^0 texts, 0 tokens/)
})

test.each<[string, string, object]>([
  ['the model', 'a\nb\nc\nd\nbad\n', { code: 'ERR_NON_FINITE' }],
  ['the input', `a\nb\nc\nd\n${String.fromCharCode(0)}`, { message: expect.stringContaining('in.txt:5') }],
])('a failure of %s in the middle leaves no file and says nothing of an end', async (_, content, error) => {
  // The last byte becomes one that is not UTF-8.
  const job = await jobOf(content, 'out.npy')
  const file = path.join(folder, 'in.txt')
  const bytes = fs.readFileSync(file)
  if (bytes.at(-1) === 0) fs.writeFileSync(file, Buffer.concat([bytes.subarray(0, -1), Buffer.of(0xff)]))
  await expect(encodeInto(model, job)).rejects.toMatchObject(error)
  expect(outputs()).toEqual([])
  expect(stderr).toBe('')
})

test('wrong options are found before there is a file', async () => {
  const refusing = { ...model, encode: () => Promise.reject(new SentorchError('ERR_INVALID_ARGUMENT', 'truncateDim')) }
  await expect(encodeInto(refusing, await jobOf('a\n', 'out.npy'))).rejects.toThrow('truncateDim')
  expect(outputs()).toEqual([])
})

test('an interrupt while stdin is silent rejects with ERR_ABORTED and leaves no file', async () => {
  const controller = new AbortController()
  const stdin = new PassThrough()
  stdin.write('a\nb\nc\nd\n')
  const running = encodeInto(model, await jobOf(stdin, 'out.npy', { signal: controller.signal }))
  setTimeout(() => controller.abort(new Error('SIGINT')), 30)
  await expect(running).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  expect(outputs()).toEqual([])
})

test('an interrupt behind the last batch does not finish the file', async () => {
  const controller = new AbortController()
  const late: StreamingEncoder = {
    ...model,
    async *encodeStream(texts, options) {
      yield* model.encodeStream(texts, options)
      controller.abort()
    },
  }
  await expect(encodeInto(late, await jobOf('a\n', 'out.npy', { signal: controller.signal }))).rejects.toMatchObject({
    code: 'ERR_ABORTED',
  })
  expect(outputs()).toEqual([])
})

function failing(code: string): Writable {
  const stdout = new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error(code), { code })) })
  return stdout.on('error', () => {})
}

test('a reader that went away ends the work in silence', async () => {
  await encodeInto(model, await jobOf('a\nb\nc\nd\n', '-', { stdout: failing('EPIPE') }))
  expect(stderr).toBe('')
})

test.each(['a\nb\nc\n', 'a\nbad\n'])('the bar is taken away however it ends: %j', async (text) => {
  const { written, stream } = terminal()
  await encodeInto(model, await jobOf(text, 'out.npy', { stderr: stream })).catch(() => {})
  expect(written.length).toBeGreaterThan(1)
  written.length = 0
  await redrawn()
  expect(written).toEqual([])
})

test('a full disk behind stdout is an error', async () => {
  await expect(encodeInto(model, await jobOf('a\n', '-', { stdout: failing('ENOSPC') }))).rejects.toMatchObject({ code: 'ENOSPC' })
})

test('no more is read than the writer takes', async () => {
  let given = 0
  const stdin = Readable.from(
    (async function* () {
      for (; given < 100_000; given++) yield Buffer.from('line\n')
    })(),
    { objectMode: false, highWaterMark: 1 },
  )
  const stuck = new Writable({ highWaterMark: 1, write: () => {} })
  const controller = new AbortController()
  const running = encodeInto(model, await jobOf(stdin, '-', { stdout: stuck, signal: controller.signal }))
  void running.catch(() => {})
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(given).toBeGreaterThan(0)
  expect(given).toBeLessThan(50)
  controller.abort()
})

test.each([
  [{ texts: 1, tokens: 1, milliseconds: 500 }, '1 text, 1 token in 0.50 s: 2 texts/s'],
  [{ texts: 12345, tokens: 67890, milliseconds: 2000 }, '12,345 texts, 67,890 tokens in 2.00 s: 6,173 texts/s'],
  [{ texts: 0, tokens: 0, milliseconds: 0 }, '0 texts, 0 tokens in 0.00 s: 0 texts/s'],
])('closing line of %j', (counts, expected) => {
  expect(closingLine(counts)).toBe(expected)
})

describe('wrong calls', () => {
  async function call(args: string): Promise<{ error: unknown; said: string }> {
    let said = ''
    const program = new Command().exitOverride().configureOutput({ writeErr: (text) => (said += text) })
    register(program)
    const error = await program.parseAsync(['encode', ...args.split(' ')], { from: 'user' }).catch((e: unknown) => e)
    return { error, said }
  }
  const files = '--model m --input a.txt --output b.npy'

  test.each([
    ['--model m --input a.txt', '--output'],
    ['--model m --output b.npy', '--input'],
    ['--input a.txt --output b.npy', '--model'],
    ['--model m --input a.csv --output b.npy', '.txt, .json, .jsonl'],
    ['--model m --input a.txt --output b.json', '.npy, .jsonl, .safetensors'],
    [`${files} --field body`, '--field applies only to .jsonl'],
    [`${files} --dtype float16`, 'float32, bfloat16'],
    [`${files} --threads 0`, 'at least 1'],
    [`${files} --threads 1e3`, 'at least 1'],
    [`${files} --batch-tokens -1`, 'at least 1'],
    [`${files} --max-length x`, 'at least 1'],
    [`${files} --truncate-dim 1.5`, 'at least 1'],
    [`${files} --pooling mean,avg`, 'weightedmean'],
    [`${files} --precision int4`, 'ubinary'],
    [`${files} --precision int8`, '--precision int8 needs --ranges'],
    [`${files} --precision binary --ranges r.json`, '--ranges applies only to'],
    [`${files} --trunkate-dim 3`, '--truncate-dim'],
  ])('%s', async (args, message) => {
    const { error, said } = await call(args)
    expect(error).toBeInstanceOf(CommanderError)
    expect(said).toContain(message)
  })
})
