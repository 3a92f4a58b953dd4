import { isSentorchError, SentorchError } from '../base/errors'

/** Whether the operating system refused something, as Node reports it. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return typeof (error as { syscall?: unknown } | null | undefined)?.syscall === 'string' && !isSentorchError(error)
}

/** Too many open files: of the process or of the machine. Such a file is neither missing nor broken. */
export function isOutOfFiles(error: unknown): boolean {
  const { code } = (error ?? {}) as NodeJS.ErrnoException
  return code === 'EMFILE' || code === 'ENFILE'
}

/** For `catch`: a file that cannot be read counts as `otherwise`, unless it is this process that cannot open any more files (ERR_FILE). */
export function unlessOutOfFiles<T>(name: string, otherwise: T): (error: unknown) => T {
  return (error) => {
    if (isOutOfFiles(error)) throw fileError(name, error)
    return otherwise
  }
}

/** A file that the operating system does not let us have. `name` is how messages name it. */
export function fileError(name: string, error: unknown): SentorchError {
  const { code, message, path } = error as NodeJS.ErrnoException
  const detail = { file: name, path, errno: code }
  if (isOutOfFiles(error)) {
    const whose = code === 'EMFILE' ? 'this process (ulimit -n)' : 'the system (fs.file-max)'
    const text = `${name} cannot be opened: too many files are open (${code}). Raise the limit of ${whose}, or work on fewer files at once.`
    return new SentorchError('ERR_FILE', text, { cause: error, detail })
  }
  const hints: Record<string, string> = {
    EACCES: ' The user of this process may not read it.',
    ENOENT: ' It was there a moment ago: the folder was replaced or changed meanwhile. Try again.',
  }
  return new SentorchError('ERR_FILE', `${name} cannot be read: ${message}.${hints[code ?? ''] ?? ''}`, { cause: error, detail })
}

/**
 * Runs the work of a public method. Whatever rejects or is thrown there comes out as a SentorchError: an error of the operating system that
 * nobody foresaw as ERR_FILE, anything else as ERR_INTERNAL, with the error itself as the cause.
 */
export async function typed<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw asSentorchError(error)
  }
}

export function asSentorchError(error: unknown): SentorchError {
  if (isSentorchError(error)) return error
  if (isSystemError(error)) return fileError(error.path ?? `A file (${error.syscall})`, error)
  return new SentorchError('ERR_INTERNAL', `An error that was not foreseen: ${String((error as Error | null)?.message ?? error)}`, {
    cause: error,
  })
}

/** Why JSON.parse failed, without the piece of the text that V8 quotes: a message may reach people who must not see the file. */
export function jsonProblem(error: unknown): string {
  return (error as Error).message.replace(/, (\.\.\.)?".*is not valid JSON$/s, ' is not valid there')
}

/** What jsonc-parser finds; undefined in a text that is nested too deeply for it: it descends by recursion, which JSON.parse does not. */
export function unlessTooDeep<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
