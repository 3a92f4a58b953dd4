import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { SentorchError } from '../base/errors'
import { LocalFile } from './byte-source'
import type { InstallEvent, OnInstallEvent } from './install-events'
import { pipArguments, pipDownload } from './pip'
import type { Member } from './record'
import { unpack } from './unpack'
import type { Wheel } from './wheel'
import { WheelReader } from './wheel-reader'

/** Where wheels come from: pip, a folder, or a server that is asked for parts of them. */
export interface Source {
  method: Extract<InstallEvent, { type: 'plan' }>['method']
  wheels: readonly Wheel[]
  downloadBytes: number
  /** Where it is known before the wheels are here. */
  installedBytes?: number
  /** Brings the wheels and puts what is kept of them into a folder. Resolves to what was put there. */
  place(folder: string, onEvent: OnInstallEvent, signal?: AbortSignal): Promise<Member[]>
  close(): Promise<void>
}

/** Wheels that somebody brought. Refuses at once when one is absent or of another length. */
export async function fromFolder(wheels: readonly Wheel[], folder: string, cuda: boolean): Promise<Source> {
  const wrong: string[] = []
  for (const { file, bytes } of wheels) {
    const info = await stat(join(folder, file)).catch(() => null)
    if (info?.size !== bytes) wrong.push(`  ${file}  ${info ? `has ${info.size} bytes, not ${bytes}` : 'is not there'}`)
  }
  if (wrong.length > 0) {
    const command = ['python3 -m pip', ...pipArguments(wheels, '.')].join(' ')
    throw new SentorchError(
      'ERR_DOWNLOAD',
      [`These wheels are needed in ${folder}:`, ...wrong, 'Where there is a network, this fetches them:', `  ${command}`].join('\n'),
      { detail: { folder, files: wheels.map(({ file }) => file) } },
    )
  }
  const place = (tree: string, onEvent: OnInstallEvent, signal?: AbortSignal) => unpackFrom(folder, wheels, cuda, tree, onEvent, signal)
  return { method: 'offline', wheels, downloadBytes: 0, place, close: async () => {} }
}

/** Wheels that the user's pip downloads whole into `folder`. */
export function fromPip(wheels: readonly Wheel[], python: string, folder: string, cuda: boolean): Source {
  const downloadBytes = wheels.reduce((sum, { bytes }) => sum + bytes, 0)
  const place = async (tree: string, onEvent: OnInstallEvent, signal?: AbortSignal): Promise<Member[]> => {
    const onBytes = (bytes: number): void =>
      onEvent({ type: 'progress', stage: 'download', loaded: Math.min(bytes, downloadBytes), total: downloadBytes })
    await pipDownload(python, wheels, folder, onBytes, signal)
    onBytes(downloadBytes)
    const brought = await readdir(folder)
    const absent = wheels.filter(({ file }) => !brought.includes(file)).map(({ file }) => file)
    if (absent.length > 0) {
      const message = `pip downloaded ${brought.filter((name) => name.endsWith('.whl')).join(', ') || 'nothing'} instead of ${absent.join(', ')}.`
      throw new SentorchError('ERR_DOWNLOAD', message, { detail: { brought, absent } })
    }
    return await unpackFrom(folder, wheels, cuda, tree, onEvent, signal)
  }
  return { method: 'pip', wheels, downloadBytes, place, close: async () => {} }
}

async function unpackFrom(
  folder: string,
  wheels: readonly Wheel[],
  cuda: boolean,
  tree: string,
  onEvent: OnInstallEvent,
  signal?: AbortSignal,
): Promise<Member[]> {
  const files: LocalFile[] = []
  try {
    const readers: WheelReader[] = []
    for (const wheel of wheels) {
      const file = await LocalFile.open(join(folder, wheel.file))
      files.push(file)
      readers.push(await WheelReader.open(file, wheel, cuda))
    }
    await unpack(readers, tree, { onEvent, signal })
    return readers.flatMap(({ kept }) => kept)
  } finally {
    for (const file of files) await file.close()
  }
}
