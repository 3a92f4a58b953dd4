import { itemsOf } from '../base/callbacks'
import { stringOf } from '../base/check'

/** Characters of one batch, whatever its number of texts: memory stays bounded when texts are books. */
const BATCH_CHARS = 2 ** 23

/** Texts of a source in batches, in order. Closes the source when the reader stops early. A value that is no string is refused with its place. */
export async function* batchesOf(source: AsyncIterable<string> | Iterable<string>, batchTexts: number): AsyncGenerator<string[]> {
  let batch: string[] = []
  let chars = 0
  let index = 0
  for await (const text of itemsOf('texts', source)) {
    batch.push(stringOf(`texts[${index++}]`, text))
    chars += text.length
    if (batch.length < batchTexts && chars < BATCH_CHARS) continue
    yield batch
    batch = []
    chars = 0
  }
  if (batch.length > 0) yield batch
}

/**
 * `work` over `items`, results in order; while the reader has one result, the next is worked on.
 * When the reader stops, or something fails, `items` is closed and what was begun is awaited.
 */
export async function* ahead<T, R>(items: AsyncIterable<T>, work: (item: T) => Promise<R>): AsyncGenerator<R> {
  let begun: Promise<R> | undefined
  try {
    for await (const item of items) {
      const next = work(item)
      next.catch(() => {}) // seen when it is awaited
      const ready = begun
      begun = next
      if (ready) yield await ready
    }
    const last = begun
    begun = undefined
    if (last) yield await last
  } finally {
    await begun?.catch(() => {})
  }
}
