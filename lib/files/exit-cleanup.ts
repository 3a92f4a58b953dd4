import { rmSync } from 'node:fs'

const paths = new Set<string>()

/** Removes a file or folder when this process or worker ends, unless `keepAtExit` is called first. A kill leaves it. */
export function removeAtExit(path: string): void {
  // One listener for all: Node warns of more than ten.
  if (!process.listeners('exit').includes(removeAll)) process.on('exit', removeAll)
  paths.add(path)
}

export function keepAtExit(path: string): void {
  paths.delete(path)
}

function removeAll(): void {
  for (const path of paths) {
    try {
      // Again where libuv's threads have put another file there meanwhile.
      rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 5 })
    } catch {
      // At the exit there is nobody to tell; whoever writes there next sweeps it.
    }
  }
}
