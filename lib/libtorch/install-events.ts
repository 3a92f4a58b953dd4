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
