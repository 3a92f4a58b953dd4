import { spawn } from 'node:child_process'
import { join } from 'node:path'

export interface Ending {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/** Runs a program of test/life/programs in a process of its own, on the built package, and tells how it ended. */
export function runProgram(name: string, environment: NodeJS.ProcessEnv, args: string[] = []): Promise<Ending> {
  const file = join(__dirname, '..', 'life', 'programs', `${name}.cjs`)
  // jest sets NODE_ENV and JEST_WORKER_ID; a program knows nothing of them.
  const { NODE_OPTIONS: _, ...inherited } = process.env
  const child = spawn(process.execPath, [file, ...args], { env: { ...inherited, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}
