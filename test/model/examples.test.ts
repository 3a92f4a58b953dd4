import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import ts from 'typescript'
import { requireFreshDist } from '../support/dist'
import { minilm } from '../support/minilm'

const root = path.resolve(__dirname, '../..')
let folder: string

/** The examples as a user has them: compiled to ES modules in a folder of their own, `sentorch` in its node_modules. */
beforeAll(requireFreshDist)
beforeAll(() => {
  folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'sentorch-examples-')))
  fs.mkdirSync(path.join(folder, 'node_modules'))
  fs.symlinkSync(root, path.join(folder, 'node_modules/sentorch'), 'junction')
  for (const name of fs.readdirSync(path.join(root, 'examples')).filter((file) => file.endsWith('.mts'))) {
    const { outputText } = ts.transpileModule(fs.readFileSync(path.join(root, 'examples', name), 'utf8'), {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    })
    fs.writeFileSync(path.join(folder, name.replace(/mts$/, 'mjs')), outputText)
  }
})

afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

interface Running {
  child: ChildProcess
  lines: AsyncIterableIterator<string>
  /** Resolves when the process is gone. */
  end: Promise<{ code: number | null; signal: string | null; stderr: string }>
}

function start(name: string, ...args: string[]): Running {
  const child = spawn(process.execPath, [name, minilm(), ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const end = once(child, 'close').then(([code, signal]) => ({ code, signal, stderr }))
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator](), end }
}

async function rest(lines: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = []
  for await (const line of lines) all.push(line)
  return all
}

const CLEAN = { code: 0, signal: null, stderr: '' }

test('search.mts ranks the passage that answers the question first', async () => {
  const { lines, end } = start('search.mjs', 'Where can my dog stay?')
  const [question, best, ...others] = await rest(lines)
  expect(await end).toEqual(CLEAN)
  expect(question).toBe('Where can my dog stay?')
  expect(best).toMatch(/^ {2}0\.\d{3} {2}Dogs are welcome/)
  expect(others).toHaveLength(2)
})

test('train.mts learns, saves, and finds in new sentences what it was taught', async () => {
  const { lines, end } = start('train.mjs', path.join(folder, 'trained'))
  const [losses, snow, room] = await rest(lines)
  expect(await end).toEqual(CLEAN)
  expect(losses).toMatch(/^loss 1\.\d\d → 0\.\d\d$/)
  expect(snow).toMatch(
    /^snow in Moscow tomorrow \{"intent":\{"label":"weather".*"slots":\{"entities":\[\{"label":"city","text":"Moscow","start":8,"end":14,/,
  )
  expect(room).toMatch(/^book a room in Chicago \{"intent":\{"label":"book".*"text":"Chicago"/)
}, 120_000)

test('worker.mts gets its vectors from a worker thread and ends by itself', async () => {
  const { lines, end } = start('worker.mjs')
  const printed = await rest(lines)
  expect(await end).toEqual(CLEAN)
  expect(printed).toHaveLength(3)
  for (const line of printed) expect(line).toMatch(/^384 numbers {2}\[-?0\.\d{4}, …\]/)
})

test('service.mts answers, refuses, and ends cleanly on SIGTERM with a request under way', async () => {
  const { child, lines, end } = start('service.mjs', '0')
  const port = /^listening on (\d+)$/.exec((await lines.next()).value ?? '')?.[1]
  const address = `http://127.0.0.1:${port}`
  const embed = (body: string) => fetch(`${address}/embed`, { method: 'POST', body, headers: { connection: 'close' } })

  const answer = (await (await embed('{"texts":["one","two"]}')).json()) as { dimension: number; vectors: number[][] }
  expect(answer.dimension).toBe(384)
  expect(answer.vectors.map((vector) => vector.length)).toEqual([384, 384])

  expect((await embed('not JSON')).status).toBe(400)
  expect((await embed('{"texts":["one",2]}')).status).toBe(400)
  expect((await embed('{}')).status).toBe(400)
  expect((await fetch(`${address}/nowhere`)).status).toBe(404)

  const underWay = embed(
    JSON.stringify({ texts: Array.from({ length: 400 }, (_, i) => `Sentence number ${i}, long enough to take a moment.`) }),
  )
  await new Promise((resolve) => setTimeout(resolve, 50))
  child.kill('SIGTERM')
  const late = (await (await underWay).json()) as { vectors: number[][] }
  expect(late.vectors).toHaveLength(400)
  expect(await end).toEqual(CLEAN)
})
