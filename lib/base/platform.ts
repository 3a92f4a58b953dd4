import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { SentorchError } from './errors'

/** The name of this platform as npm and prebuildify write it, such as `linux-x64`. */
export function platformName(): string {
  return `${process.platform}-${process.arch}`
}

/** The version of glibc that this process runs on, or null on musl and on other systems. */
export function glibcVersion(): string | null {
  // With network data the report would resolve the host names of all open connections. The program's setting is restored below.
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

/** True on a Linux without glibc (such as Alpine), for which libtorch does not exist. */
export function isMusl(): boolean {
  return process.platform === 'linux' && glibcVersion() === null
}

/**
 * The user's home folder, which is needed only for defaults that lie in it. Users in containers often have none: HOME is not set and the user
 * is not in the user database. Throws ERR_FILE in that case; `instead` names the variable to set so that the default is not needed.
 */
export function homeFolder(instead: string): string {
  try {
    return homedir()
  } catch (cause) {
    throw new SentorchError(
      'ERR_FILE',
      `This user has no home folder: HOME is not set, and the system's user database has no entry. Set ${instead}, or HOME.`,
      {
        cause,
      },
    )
  }
}

/** The home folder, or undefined if this user has none. */
export function homeIfAny(): string | undefined {
  try {
    return homedir()
  } catch {
    return undefined
  }
}

/** The version of this library. */
export function libraryVersion(): string {
  return (JSON.parse(readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8')) as { version: string }).version
}
