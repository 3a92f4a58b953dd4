import { CommanderError, type Command } from 'commander'
import { isSentorchError } from '../base/errors'

/** Exit codes of the command line: 0 for success, 2 for incorrect usage, 1 for anything else. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  return isSentorchError(error) && error.code === 'ERR_INVALID_ARGUMENT' ? 2 : 1
}

/** Prints an error with its code, and with its stack and causes if `verbose` is set. Returns the exit code. */
export function reportError(error: unknown, stream: NodeJS.WritableStream, verbose: boolean): number {
  // Commander has already printed it.
  if (!(error instanceof CommanderError)) stream.write(`sentorch: ${messageOf(error)}\n`)
  if (verbose && !(error instanceof CommanderError)) stream.write(`${stackOf(error)}\n`)
  return exitCodeOf(error)
}

function messageOf(error: unknown): string {
  if (isSentorchError(error)) return `[${error.code}] ${error.message}`
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown }
  const text = typeof message === 'string' && message ? message : String(error)
  return typeof code === 'string' && !text.includes(code) ? `[${code}] ${text}` : text
}

function stackOf(error: unknown): string {
  const stacks: string[] = []
  for (let inner = error; inner !== undefined && inner !== null && stacks.length < 8; inner = (inner as Error).cause) {
    stacks.push(inner instanceof Error ? (inner.stack ?? String(inner)) : String(inner))
  }
  return stacks.join('\nCaused by: ')
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Runs `work` with a signal that the first Ctrl-C (or SIGTERM, SIGHUP) aborts. A second one ends the process in the default way. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const release = (): void => {
    for (const name of SIGNALS) process.removeListener(name, stop)
  }
  const stop = (name: NodeJS.Signals): void => {
    release()
    controller.abort(new Error(`Stopped by ${name}.`))
  }
  for (const name of SIGNALS) process.on(name, stop)
  try {
    return await work(controller.signal)
  } finally {
    release()
  }
}

/** A number of bytes in readable form: `12 kB`, `531 MB`, `3.6 GB`. */
export function bytesText(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`
  if (bytes >= 1e6) return `${Math.round(bytes / 1e6)} MB`
  return `${Math.ceil(bytes / 1e3)} kB`
}

/** Ends a command because of incorrect usage: prints the message and a hint to the help, and exits with 2. */
export function misuse(command: Command, message: string): never {
  command.error(`error: ${message}`, { exitCode: 2, code: 'sentorch.misuse' })
}

/** Adds example calls to the end of a command's help. */
export function examples(command: Command, calls: readonly (readonly [what: string, call: string])[]): void {
  const lines = calls.map(([what, call]) => `  # ${what}\n  $ ${call}`)
  command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`)
}
