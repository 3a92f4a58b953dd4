import type { OnInstallEvent } from './install-events'
import type { Member } from './record'
import { sideBySide } from './side-by-side'
import { BrokenMemberError, type WheelReader } from './wheel-reader'

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
