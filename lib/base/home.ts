import { homedir } from 'node:os'
import { SentorchError } from './errors'

/**
 * The user's home folder, asked for only where a default lies in it. A container's user often has none: neither HOME nor an entry in the list of
 * users. Throws ERR_FILE then; `instead` says what to set so that the default is not needed.
 */
export function homeFolder(instead: string): string {
  try {
    return homedir()
  } catch (cause) {
    throw new SentorchError(
      'ERR_FILE',
      `This user has no home folder (HOME is not set, and the system knows none). Set ${instead}, or HOME.`,
      {
        cause,
      },
    )
  }
}

/** The home folder, or undefined where this user has none. */
export function homeIfAny(): string | undefined {
  try {
    return homedir()
  } catch {
    return undefined
  }
}
