import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { SentorchError } from '../base/errors'
import { httpFetch } from '../base/http'
import { makeFolder } from '../files/make-folder'
import type { OnInstallEvent } from './install-events'
import { pipDefaultIndex, readPipSettings, trustedCertificates } from './pip-settings'
import { RangedFile } from './ranged-file'
import type { Member } from './record'
import { locateWheel } from './simple-index'
import type { Source } from './sources'
import { unpack } from './unpack'
import type { Wheel } from './wheel'
import { WheelReader } from './wheel-reader'

/** A remote wheel, its partial copy on this disk, and the reader of both. */
interface OpenWheel {
  ranged: RangedFile
  reader: WheelReader
  wanted: [start: number, end: number][]
}

/**
 * Wheels of which only the needed parts are fetched, with the index, proxy and certificates that the user has set for pip.
 * Their directories are read at once, so that the plan is exact.
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
    'There is no pip here, and no package index is set: set PIP_INDEX_URL to the address of a Python package index (it ends in /simple), ' +
      'install pip, or bring the wheels by hand (--offline DIR).',
  )
}
