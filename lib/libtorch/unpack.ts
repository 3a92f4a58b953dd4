import { BrokenMemberError, type Member, type WheelReader } from './wheel-reader'

/** Number of members that are inflated in parallel: the size of libuv's thread pool. */
const SIDE_BY_SIDE = 4

export interface UnpackOptions {
  onEvent: OnInstallEvent
  signal?: AbortSignal
  /** Obtains a damaged member again. Without it, and at the second failure, the damage is an error. */
  repair?: (reader: WheelReader, member: Member) => Promise<void>
}

/** Extracts the files to keep from the wheels into `folder` and checks each of them. */
export async function unpack(readers: readonly WheelReader[], folder: string, { onEvent, signal, repair }: UnpackOptions): Promise<void> {
  const jobs = readers.flatMap((reader) => reader.kept.map((member) => ({ reader, member })))
  jobs.sort((a, b) => b.member.bytes - a.member.bytes) // The largest first, so that small members fill the other threads.
  const total = jobs.reduce((sum, { member }) => sum + member.bytes, 0)
  let loaded = 0

  await sideBySide(jobs, SIDE_BY_SIDE, signal, async ({ reader, member }, signal) => {
    let own = 0
    const onBytes = (bytes: number): void => {
      own += bytes
      onEvent({ type: 'progress', stage: 'unpack', loaded: (loaded += bytes), total })
    }
    try {
      await reader.extract(member, folder, onBytes, signal)
    } catch (error) {
      if (!repair || !(error instanceof BrokenMemberError)) throw error
      loaded -= own
      onEvent({ type: 'refetch', member: member.path })
      await repair(reader, member)
      await reader.extract(member, folder, onBytes, signal)
    }
  })
}

/**
 * Processes items in order, up to `limit` at a time. The first failure aborts the signal passed to `work`;
 * the promise settles when all calls have ended.
 */
export async function sideBySide<T>(
  items: readonly T[],
  limit: number,
  signal: AbortSignal | undefined,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController()
  const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal
  const queue = items.values()
  const drain = async (): Promise<void> => {
    for (const item of queue) {
      if (stop.signal.aborted) return
      await work(item, either)
    }
  }
  await Promise.all(Array.from({ length: limit }, () => drain().catch((error: unknown) => stop.abort(error))))
  if (stop.signal.aborted) throw stop.signal.reason
}

/** Events during an installation. */
export type InstallEvent =
  /** libtorch is already installed; nothing is done. */
  | { type: 'present'; folder: string }
  /** Another process is installing; this one waits for it. */
  | { type: 'waiting'; pid: number | undefined }
  /** Emitted before any large transfer. */
  | {
      type: 'plan'
      method: 'pip' | 'ranges' | 'offline'
      files: string[]
      /** Bytes to download; 0 for local wheels. */
      downloadBytes: number
      /** Bytes that the installation will occupy. */
      installedBytes: number
      folder: string
    }
  /** Bytes of a stage so far and in total. Emitted for every chunk. */
  | { type: 'progress'; stage: 'download' | 'unpack'; loaded: number; total: number }
  /** A damaged member is downloaded again. */
  | { type: 'refetch'; member: string }
  | { type: 'installed'; folder: string; bytes: number }

export type OnInstallEvent = (event: InstallEvent) => void
