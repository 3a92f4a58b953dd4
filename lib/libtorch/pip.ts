import { execFile, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { aborted, SentorchError } from '../base/errors'
import { homeIfAny } from '../base/platform'
import { folderBytes, makeFolder } from '../files/folders'
import { pythonNames } from './find'
import type { Wheel } from './wheels'

/** An interpreter with a working pip, or null. */
export async function findPip(): Promise<string | null> {
  for (const python of pythonNames()) {
    if (await answers(python, ['-m', 'pip', '--version'])) return python
  }
  return null
}

/** The arguments after `pip`: exactly these builds, whichever Python runs it. */
export function pipArguments(wheels: readonly Wheel[], folder: string): string[] {
  // A wheel is tagged name-version-python-abi-platform[.platform…]; pip accepts a wheel if one of its platforms is given.
  const platforms = new Set(
    wheels.flatMap(({ file }) =>
      file
        .replace(/\.whl$/, '')
        .split('-')
        .at(-1)!
        .split('.'),
    ),
  )
  const pythonTags = ['--implementation', 'cp', '--python-version', '3.11', '--abi', 'cp311']
  return [
    ...['download', '--no-deps', '--only-binary=:all:', '--dest', folder],
    ...pythonTags,
    ...[...platforms].flatMap((platform) => ['--platform', platform]),
    // `===` prevents an additional index of the user from supplying another build (2.11.0+cpu), whose content differs from the table.
    ...wheels.map(({ name, version }) => `${name}===${version}`),
  ]
}

/** Downloads the wheels into `folder` with the user's pip, which knows mirrors, proxies and credentials. */
export async function pipDownload(
  python: string,
  wheels: readonly Wheel[],
  folder: string,
  onBytes: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const temporary = join(folder, 'pip')
  await makeFolder(temporary)
  // An error in the listener ends the download: pip is stopped, and the caller receives the error.
  const thrown = new AbortController()
  const tell = () => folderBytes(folder).then((bytes) => onBytes(bytes ?? 0))
  const timer = setInterval(() => void tell().catch((error: unknown) => thrown.abort(error)), 250)
  try {
    await runPip(python, pipArguments(wheels, folder), temporary, AbortSignal.any([thrown.signal, ...(signal ? [signal] : [])]))
  } catch (error) {
    throw thrown.signal.aborted ? thrown.signal.reason : error
  } finally {
    clearInterval(timer)
  }
}

function runPip(python: string, args: string[], temporary: string, signal?: AbortSignal): Promise<void> {
  // pip unpacks in its temporary folder, and /tmp is often smaller than the wheel. Constraints of the user's project must not apply.
  const env: NodeJS.ProcessEnv = { ...process.env, TMPDIR: temporary, TEMP: temporary, TMP: temporary }
  Object.assign(env, { PIP_NO_INPUT: '1', PIP_DISABLE_PIP_VERSION_CHECK: '1' })
  delete env.PIP_CONSTRAINT
  delete env.PIP_REQUIRE_HASHES
  return new Promise((resolve, reject) => {
    const child = spawn(python, ['-m', 'pip', ...args], { env, stdio: ['ignore', 'ignore', 'pipe'], windowsHide: true })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4000)))
    const stop = () => child.kill()
    signal?.addEventListener('abort', stop)
    child.once('error', (cause) => finish(cause.message, cause))
    child.once('close', (code, killedBy) => finish(code === 0 ? null : `it ended with ${killedBy ?? `exit code ${code}`}`))
    if (signal?.aborted) stop()

    function finish(failure: string | null, cause?: unknown): void {
      signal?.removeEventListener('abort', stop)
      if (signal?.aborted) return reject(aborted(signal))
      if (failure === null) return resolve()
      const lines = said.trim().split('\n').slice(-8).map((line) => `  ${line}`) // prettier-ignore
      reject(
        new SentorchError(
          'ERR_DOWNLOAD',
          [
            `pip could not download libtorch: ${failure}. Its output:`,
            ...lines,
            'Try again without pip (--ranges), or provide the wheels yourself (--offline DIR). The command was:',
            `  ${python} -m pip ${args.join(' ')}`,
          ].join('\n'),
          { cause, detail: { command: [python, '-m', 'pip', ...args], stderr: said } },
        ),
      )
    }
  })
}

function answers(file: string, args: string[]): Promise<boolean> {
  return new Promise((resolve) => {
    execFile(file, args, { env: process.env, timeout: 30_000, windowsHide: true }, (error) => resolve(error === null))
  })
}

/** The user's settings for pip that a download without pip needs. */
export interface PipSettings {
  /** Addresses of simple indexes, in order of preference; they may contain user:password. */
  indexes: string[]
  /** File with the PEM certificates that pip trusts. */
  cert?: string
}

/**
 * Reads the environment (PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, PIP_NO_INDEX, PIP_CERT) and pip's configuration files, which it overrides.
 * `indexes` is empty if no index is configured.
 */
export async function readPipSettings(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): Promise<PipSettings> {
  const values = new Map<string, string>()
  for (const section of ['global', 'download']) {
    for (const path of configurationFiles(env, platform)) {
      const text = await readFile(path, 'utf8').catch(() => '')
      for (const [key, value] of parseIni(text, section)) values.set(key, value)
    }
  }
  for (const key of ['index-url', 'extra-index-url', 'no-index', 'cert']) {
    const value = env[`PIP_${key.toUpperCase().replaceAll('-', '_')}`]
    if (value) values.set(key, value)
  }
  const isSet = /^(1|y|yes|t|true|on)$/i.test(values.get('no-index') ?? '')
  const words = (key: string): string[] => (values.get(key) ?? '').split(/\s+/).filter(Boolean)
  return { indexes: isSet ? [] : [...words('index-url'), ...words('extra-index-url')], cert: values.get('cert') }
}

/** pip's configuration files, in order of increasing priority. */
function configurationFiles(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string[] {
  const chosen = env.PIP_CONFIG_FILE
  if (chosen === '/dev/null' || chosen?.toLowerCase() === 'nul') return []
  const home = env.HOME || env.USERPROFILE || homeIfAny()
  const inHome = (...parts: string[]) => (home === undefined ? [] : [join(home, ...parts)])
  const name = platform === 'win32' ? 'pip.ini' : 'pip.conf'
  const files: string[] = []
  if (platform === 'win32') {
    files.push(join(env.PROGRAMDATA || 'C:\\ProgramData', 'pip', name))
    files.push(...inHome('pip', name), ...(env.APPDATA ? [join(env.APPDATA, 'pip', name)] : inHome('AppData', 'Roaming', 'pip', name)))
  } else if (platform === 'darwin') {
    files.push(join('/Library', 'Application Support', 'pip', name), ...inHome('.pip', name), ...inHome('.config', 'pip', name))
    files.push(...inHome('Library', 'Application Support', 'pip', name))
  } else {
    for (const folder of (env.XDG_CONFIG_DIRS || '/etc/xdg').split(':')) files.push(join(folder, 'pip', name))
    files.push('/etc/pip.conf', ...inHome('.pip', name))
    files.push(...(env.XDG_CONFIG_HOME ? [join(env.XDG_CONFIG_HOME, 'pip', name)] : inHome('.config', 'pip', name)))
  }
  if (env.VIRTUAL_ENV) files.push(join(env.VIRTUAL_ENV, name))
  if (chosen) files.push(chosen)
  return files
}

/** The entries of one section. A line that begins with white space continues the previous value. */
export function parseIni(text: string, section: string): Map<string, string> {
  const values = new Map<string, string>()
  let inside = false
  let key: string | undefined
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*([#;]|$)/.test(line)) continue
    const header = /^\[([^\]]*)\]/.exec(line)
    const entry = /^([^\s=:][^=:]*)[=:](.*)$/s.exec(line)
    if (header) {
      inside = header[1] === section
      key = undefined
    } else if (inside && key !== undefined && /^\s/.test(line)) {
      values.set(key, `${values.get(key)} ${line.trim()}`.trim())
    } else if (inside && entry) {
      key = entry[1]!.trimEnd().toLowerCase().replaceAll('_', '-')
      values.set(key, entry[2]!.trim())
    }
  }
  return values
}

/** The index that pip uses by default, taken from its help text. Null without pip. */
export async function pipDefaultIndex(): Promise<string | null> {
  for (const python of pythonNames()) {
    const help = await output(python, ['-m', 'pip', 'download', '--help'])
    const match = /--index-url <url>[^(]*\(default\s+(\S+?)\)/.exec(help)
    if (match) return match[1]!
  }
  return null
}

function output(file: string, args: string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(file, args, { timeout: 30_000, windowsHide: true, env: { ...process.env, COLUMNS: '400' } }, (_, stdout) => resolve(stdout))
  })
}

/**
 * The certificates to trust; undefined if Node's own list is sufficient (it includes NODE_EXTRA_CA_CERTS).
 * Those of `cert` are added to the list, since a company's index may refer to files on public servers.
 */
export async function trustedCertificates(cert: string | undefined, env: NodeJS.ProcessEnv = process.env): Promise<string[] | undefined> {
  if (cert === undefined || cert === env.NODE_EXTRA_CA_CERTS) return undefined
  const own = await readFile(cert, 'utf8').catch((cause: Error) => {
    throw new SentorchError('ERR_DOWNLOAD', `The certificate file in pip's settings cannot be read: ${cert} (${cause.message}).`, {
      cause,
    })
  })
  const extra = env.NODE_EXTRA_CA_CERTS ? await readFile(env.NODE_EXTRA_CA_CERTS, 'utf8').catch(() => '') : ''
  return [own, extra, ...rootCertificates].filter(Boolean)
}
