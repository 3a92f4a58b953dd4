const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Runs `work` with a signal that the first Ctrl-C (or SIGTERM, SIGHUP) aborts; the second ends the process as it would have without us. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const release = (): void => {
    for (const name of SIGNALS) process.removeListener(name, stop)
  }
  const stop = (name: NodeJS.Signals): void => {
    release()
    controller.abort(new Error(`Stopped by ${name}.`))
  }
  for (const name of SIGNALS) process.on(name, stop)
  try {
    return await work(controller.signal)
  } finally {
    release()
  }
}
