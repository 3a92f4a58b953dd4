import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { requireFreshDist } from './dist'

export interface Ending {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/** Runs a program of test/life/programs in a separate process, on the built package, and returns how it ended. */
export function runProgram(name: string, environment: NodeJS.ProcessEnv, args: string[] = []): Promise<Ending> {
  const { child, ending } = startProgram(name, environment, args)
  child.stdin.end()
  return ending
}

/** As `runProgram`, with a limit on the size of files, in blocks of 512 bytes: a longer write fails, as on a full disk. */
export function runOnFullDisk(blocks: number, name: string, args: string[]): Promise<Ending> {
  const { child, ending } = start('sh', ['-c', `ulimit -f ${blocks}; exec "$@"`, 'sh', process.execPath, programFile(name), ...args], {
    NODE_NO_WARNINGS: '1',
  })
  child.stdin.end()
  return ending
}

/** As `runProgram`, while it runs. */
export function startProgram(name: string, environment: NodeJS.ProcessEnv, args: readonly string[] = []): Running {
  return start(process.execPath, [programFile(name), ...args], environment)
}

function programFile(name: string): string {
  return join(__dirname, '..', 'life', 'programs', `${name}.cjs`)
}

export interface Running {
  child: ChildProcessByStdio<Writable, Readable, Readable>
  ending: Promise<Ending>
}

/** Starts the built command line in a process of its own, with a pipe for each stream. `nodeOptions` stand before the program. */
export function startCommand(args: readonly string[], environment: NodeJS.ProcessEnv = {}, nodeOptions: readonly string[] = []): Running {
  return start(process.execPath, [...nodeOptions, join(__dirname, '..', '..', 'bin', 'sentorch.js'), ...args], environment)
}

function start(command: string, args: readonly string[], environment: NodeJS.ProcessEnv): Running {
  requireFreshDist()
  // jest sets NODE_ENV and JEST_WORKER_ID, which a user's program does not have.
  const { NODE_OPTIONS: _, ...inherited } = process.env
  const child = spawn(command, args, { env: { ...inherited, ...environment }, stdio: ['pipe', 'pipe', 'pipe'] })
  // A child that ends without reading leaves a broken pipe.
  child.stdin.on('error', () => {})
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ending = new Promise<Ending>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
  return { child, ending }
}
