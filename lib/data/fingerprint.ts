import { createHash } from 'node:crypto'
import type { Head } from '../heads/definition'
import { breather } from './pause'

/** Bytes that are hashed in one go: a millisecond or two. */
const PIECE = 2 ** 20

/** SHA-256, hex, over the tokens, each head's name and label names, and its labels. */
export async function fingerprintOf(
  ids: Int32Array,
  offsets: Int32Array,
  heads: readonly Head[],
  labels: ReadonlyMap<string, Int32Array>,
): Promise<string> {
  const hash = createHash('sha256')
  const breathe = breather()
  const add = async (values: Int32Array) => {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    for (let at = 0; at < bytes.length; at += PIECE) {
      hash.update(bytes.subarray(at, at + PIECE))
      await breathe()
    }
  }
  await add(ids)
  await add(offsets)
  for (const { name, labels: names } of heads) {
    hash.update(JSON.stringify([name, names]))
    await add(labels.get(name)!)
  }
  return hash.digest('hex')
}
