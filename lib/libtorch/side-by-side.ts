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
