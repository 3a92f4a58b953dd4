import { execFile, spawn } from 'node:child_process'
import { join } from 'node:path'
import { SentorchError, aborted } from '../base/errors'
import { folderBytes } from '../files/folder-bytes'
import { makeFolder } from '../files/make-folder'
import { pythonNames } from './python'
import type { Wheel } from './wheel'

/** The interpreter whose pip answers, or null. */
export async function findPip(): Promise<string | null> {
  for (const python of pythonNames()) {
    if (await answers(python, ['-m', 'pip', '--version'])) return python
  }
  return null
}

/** The arguments after `pip`: exactly these builds, whatever Python runs it. */
export function pipArguments(wheels: readonly Wheel[], folder: string): string[] {
  // A wheel is tagged name-version-python-abi-platform[.platform…]; pip takes a wheel only if one of its platforms is named.
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
    // `===` keeps a further index of the user from answering with another build (2.11.0+cpu), whose bytes are not those in the table.
    ...wheels.map(({ name, version }) => `${name}===${version}`),
  ]
}

/** Downloads the wheels into `folder` through the user's pip, which knows mirrors, proxies and credentials. */
export async function pipDownload(
  python: string,
  wheels: readonly Wheel[],
  folder: string,
  onBytes: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const temporary = join(folder, 'pip')
  await makeFolder(temporary)
  // What the listener throws ends the download: pip is stopped, and the error is the caller's.
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
  // pip unpacks in its temporary folder: /tmp is often smaller than the wheel. A constraint of the user's project is not about this.
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
            `pip could not download libtorch: ${failure}. It said:`,
            ...lines,
            'Try it without pip (--ranges), or bring the wheels by hand (--offline DIR). The call was:',
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
