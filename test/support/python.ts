import { spawn, type ChildProcessByStdio } from 'node:child_process'
import path from 'node:path'
import readline from 'node:readline'
import type { Readable, Writable } from 'node:stream'

/** Numbers from Python: float32, row-major, base64. */
export interface PythonNumbers {
  shape: number[]
  data: string
}

const python = process.env.SENTORCH_TEST_PYTHON

/** Tests with the real Python packages. SENTORCH_TEST_PYTHON names a python that has them; `.ci/run` makes one. Without it they are skipped. */
export function describePython(name: string, tests: (ask: Ask) => void): void {
  if (python) return describe(name, () => withPython(tests))
  describe.skip(`${name} (skipped: set SENTORCH_TEST_PYTHON to a python with torch, transformers and sentence-transformers)`, () =>
    tests(() => Promise.reject(new Error('skipped'))))
}

/** One question to test/support/read-back.py, which names the jobs and their answers. */
export type Ask = <T>(job: string, question: Record<string, unknown>) => Promise<T>

function withPython(tests: (ask: Ask) => void): void {
  let child: ChildProcessByStdio<Writable, Readable, Readable> | undefined
  let answers: AsyncIterator<string> | undefined
  let said = ''
  let last: Promise<unknown> = Promise.resolve()

  beforeAll(() => {
    const environment = { ...process.env, HF_HUB_OFFLINE: '1', TOKENIZERS_PARALLELISM: 'false', TRANSFORMERS_VERBOSITY: 'error' }
    child = spawn(python!, [path.join(__dirname, 'read-back.py')], { env: environment, stdio: ['pipe', 'pipe', 'pipe'] })
    child.stdin.on('error', () => {})
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
    answers = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  })
  afterAll(async () => {
    child?.stdin.end()
    if (child && child.exitCode === null) await new Promise((resolve) => child!.once('exit', resolve))
  })

  const answer = async (): Promise<Record<string, unknown>> => {
    for (;;) {
      const { value, done } = await answers!.next()
      if (done) throw new Error(`Python ended: ${said.slice(-2000)}`)
      if (value.startsWith('{')) return JSON.parse(value) as Record<string, unknown>
    }
  }
  tests(<T>(job: string, question: Record<string, unknown>) => {
    const asked = last.then(async () => {
      child!.stdin.write(`${JSON.stringify({ job, ...question })}\n`)
      const found = await answer()
      if (found.error !== undefined) throw new Error(`Python: ${String(found.error)}`)
      return found as T
    })
    last = asked.catch(() => {})
    return asked
  })
}

export function pythonFloats({ data }: PythonNumbers): Float32Array {
  return new Float32Array(new Uint8Array(Buffer.from(data, 'base64')).buffer)
}
