import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { SentorchError } from '../base/errors'
import { homeIfAny } from '../base/home'
import { pythonNames } from './python'

/** What the user has told pip, as far as the download without pip needs it. */
export interface PipSettings {
  /** Addresses of simple indexes, in the order of asking; may carry user:password. */
  indexes: string[]
  /** File of PEM certificates that pip trusts. */
  cert?: string
}

/**
 * From the environment (PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, PIP_NO_INDEX, PIP_CERT) and pip's configuration files, which it overrides.
 * `indexes` is empty where nothing names one.
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

/** pip's own files, the weakest first. */
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

/** The entries of one section; a line that begins with white space continues the value before it. */
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

/** The index that pip would use without any setting: its help names it. Null without pip. */
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
 * The certificates to trust; undefined where Node's own list will do (it includes NODE_EXTRA_CA_CERTS).
 * Those of `cert` are added to the list: a company's index may point at files outside.
 */
export async function trustedCertificates(cert: string | undefined, env: NodeJS.ProcessEnv = process.env): Promise<string[] | undefined> {
  if (cert === undefined || cert === env.NODE_EXTRA_CA_CERTS) return undefined
  const own = await readFile(cert, 'utf8').catch((cause: Error) => {
    throw new SentorchError('ERR_DOWNLOAD', `The certificates that pip is told to trust cannot be read: ${cert} (${cause.message}).`, {
      cause,
    })
  })
  const extra = env.NODE_EXTRA_CA_CERTS ? await readFile(env.NODE_EXTRA_CA_CERTS, 'utf8').catch(() => '') : ''
  return [own, extra, ...rootCertificates].filter(Boolean)
}
