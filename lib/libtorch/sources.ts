import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { SentorchError } from '../base/errors'
import { httpFetch } from '../base/http'
import { makeFolder } from '../files/folders'
import { pipArguments, pipDefaultIndex, pipDownload, readPipSettings, trustedCertificates } from './pip'
import { locateWheel, RangedFile } from './package-index'
import { unpack, type InstallEvent, type OnInstallEvent } from './unpack'
import { LocalFile, WheelReader, type Member } from './wheel-reader'
import type { Wheel } from './wheels'

/** A source of wheels: pip, a folder, or a server from which parts of them are downloaded. */
export interface Source {
  method: Extract<InstallEvent, { type: 'plan' }>['method']
  wheels: readonly Wheel[]
  downloadBytes: number
  /** Set if it is known before the wheels are available. */
  installedBytes?: number
  /** Obtains the wheels and writes the files to keep to a folder. Resolves to what was written. */
  place(folder: string, onEvent: OnInstallEvent, signal?: AbortSignal): Promise<Member[]>
  close(): Promise<void>
}

/** Wheels in a local folder. Rejects immediately if one is missing or has the wrong size. */
export async function fromFolder(wheels: readonly Wheel[], folder: string, cuda: boolean): Promise<Source> {
  const wrong: string[] = []
  for (const { file, bytes } of wheels) {
    const info = await stat(join(folder, file)).catch(() => null)
    if (info?.size !== bytes) wrong.push(`  ${file}  ${info ? `has ${info.size} bytes, not ${bytes}` : 'is missing'}`)
  }
  if (wrong.length > 0) {
    const command = ['python3 -m pip', ...pipArguments(wheels, '.')].join(' ')
    throw new SentorchError(
      'ERR_DOWNLOAD',
      [`These wheels are needed in ${folder}:`, ...wrong, 'With network access, this command downloads them:', `  ${command}`].join('\n'),
      { detail: { folder, files: wheels.map(({ file }) => file) } },
    )
  }
  const place = (tree: string, onEvent: OnInstallEvent, signal?: AbortSignal) => unpackFrom(folder, wheels, cuda, tree, onEvent, signal)
  return { method: 'offline', wheels, downloadBytes: 0, place, close: async () => {} }
}

/** Wheels that the user's pip downloads into `folder`. */
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

/** A remote wheel, its partial local copy, and the reader of both. */
interface OpenWheel {
  ranged: RangedFile
  reader: WheelReader
  wanted: [start: number, end: number][]
}

/**
 * Wheels of which only the needed parts are downloaded, with the index, proxy and certificates from the user's settings for pip.
 * Their directories are read immediately, so that the plan is exact.
 */
export async function fromRanges(wheels: readonly Wheel[], folder: string, cuda: boolean, signal?: AbortSignal): Promise<Source> {
  await makeFolder(folder)
  const settings = await readPipSettings()
  const indexes = await chosenIndexes(settings.indexes)
  const send = httpFetch({ ca: await trustedCertificates(settings.cert) })

  const closing: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    for (const step of closing.splice(0)) await step()
  }
  const openWheel = async (wheel: Wheel): Promise<OpenWheel> => {
    const location = await locateWheel(indexes, wheel, send, signal)
    const local = await open(join(folder, wheel.file), 'w+')
    closing.push(() => local.close())
    const ranged = new RangedFile({ ...location, send, name: wheel.file, bytes: wheel.bytes }, local, signal)
    const reader = await WheelReader.open(ranged, wheel, cuda)
    return { ranged, reader, wanted: reader.kept.map((member) => reader.extent(member)) }
  }
  const opened: OpenWheel[] = []
  try {
    for (const wheel of wheels) opened.push(await openWheel(wheel))
  } catch (error) {
    await close()
    throw error
  }

  const kept = opened.flatMap(({ reader }) => reader.kept)
  const downloadBytes = opened.reduce((sum, { ranged, wanted }) => sum + ranged.missingBytes(wanted), 0)
  const installedBytes = kept.reduce((sum, { bytes }) => sum + bytes, 0)

  const place = async (tree: string, onEvent: OnInstallEvent): Promise<Member[]> => {
    let loaded = 0
    const onBytes = (bytes: number): void =>
      onEvent({ type: 'progress', stage: 'download', loaded: (loaded += bytes), total: downloadBytes })
    for (const { ranged, wanted } of opened) await ranged.fetch(wanted, onBytes)

    const repair = async (reader: WheelReader, member: Member): Promise<void> => {
      const { ranged } = opened.find((wheel) => wheel.reader === reader)!
      ranged.forget(reader.extent(member))
      await ranged.fetch([reader.extent(member)])
    }
    const readers = opened.map(({ reader }) => reader)
    await unpack(readers, tree, { onEvent, signal, repair })
    return kept
  }
  return { method: 'ranges', wheels, downloadBytes, installedBytes, place, close }
}

async function chosenIndexes(configured: string[]): Promise<string[]> {
  const byDefault = configured.length > 0 ? null : await pipDefaultIndex()
  const indexes = byDefault === null ? configured : [byDefault]
  if (indexes.length > 0) return indexes
  throw new SentorchError(
    'ERR_DOWNLOAD',
    'pip is not installed, and no package index is configured: set PIP_INDEX_URL to the address of a Python package index (it ends in /simple), ' +
      'install pip, or provide the wheels yourself (--offline DIR).',
  )
}
