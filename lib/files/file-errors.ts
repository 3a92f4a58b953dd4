import { isSentorchError, SentorchError } from '../base/errors'

/** Whether this is an error of the operating system as Node reports it. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return typeof (error as { syscall?: unknown } | null | undefined)?.syscall === 'string' && !isSentorchError(error)
}

/** The process or the system has too many open files. The file itself is neither missing nor damaged. */
export function isOutOfFiles(error: unknown): boolean {
  const { code } = (error ?? {}) as NodeJS.ErrnoException
  return code === 'EMFILE' || code === 'ENFILE'
}

/** For `catch`: treats an unreadable file as `otherwise`, except that too many open files throw ERR_FILE. */
export function unlessOutOfFiles<T>(name: string, otherwise: T): (error: unknown) => T {
  return (error) => {
    if (isOutOfFiles(error)) throw fileError(name, error)
    return otherwise
  }
}

/** An error for a file that the operating system cannot open or read. `name` is the file's name in the message. */
export function fileError(name: string, error: unknown): SentorchError {
  const { code, message, path } = error as NodeJS.ErrnoException
  const detail = { file: name, path, errno: code }
  if (isOutOfFiles(error)) {
    const whose = code === 'EMFILE' ? 'the process (ulimit -n)' : 'the system (fs.file-max)'
    const text = `${name} cannot be opened: too many files are open (${code}). Raise the limit of ${whose}, or open fewer files at a time.`
    return new SentorchError('ERR_FILE', text, { cause: error, detail })
  }
  const hints: Record<string, string> = {
    EACCES: ' The user of this process has no permission to read it.',
    ENOENT: ' It was removed while the folder was being read. Try again.',
  }
  return new SentorchError('ERR_FILE', `${name} cannot be read: ${message}.${hints[code ?? ''] ?? ''}`, { cause: error, detail })
}

/**
 * Runs the work of a public method and converts whatever it throws to a SentorchError: an unexpected error of the operating system
 * becomes ERR_FILE, anything else ERR_INTERNAL, with the original error as the cause.
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
  return new SentorchError('ERR_INTERNAL', `Unexpected error: ${String((error as Error | null)?.message ?? error)}`, {
    cause: error,
  })
}

/** Why JSON.parse failed, without the excerpt of the text that V8 quotes, since the content of the file may be confidential. */
export function jsonProblem(error: unknown): string {
  return (error as Error).message.replace(/, (\.\.\.)?".*is not valid JSON$/s, ' is not valid there')
}

/** What jsonc-parser finds, or undefined if the text is nested too deeply for it: unlike JSON.parse, it is recursive. */
export function unlessTooDeep<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
