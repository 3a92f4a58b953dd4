import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { SentorchError } from './errors'

/** As npm and prebuildify name platforms: `linux-x64`. */
export function platformName(): string {
  return `${process.platform}-${process.arch}`
}

/** The version of glibc that this process runs on; null on musl and on other systems. */
export function glibcVersion(): string | null {
  // With it, the report resolves the names of all open connections. The setting is the program's: it gets it back.
  const report = process.report as typeof process.report & { excludeNetwork?: boolean }
  const before = report.excludeNetwork
  report.excludeNetwork = true
  try {
    const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } }
    return header?.glibcVersionRuntime ?? null
  } finally {
    report.excludeNetwork = before
  }
}

/** True on a Linux without glibc (Alpine), for which there is no libtorch. */
export function isMusl(): boolean {
  return process.platform === 'linux' && glibcVersion() === null
}

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

/** Of this library. */
export function libraryVersion(): string {
  return (JSON.parse(readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8')) as { version: string }).version
}
