import type { Model } from '../../lib'
import { loadedModelOf } from '../../lib/api/access'
import { nextTask } from '../../lib/native/call'

/** A head's logits as native code gives them: [texts, labels], or [tokens, labels]. */
export async function logitsOf(model: Model, head: string, texts: readonly string[]): Promise<Float32Array> {
  const { native, tokenizer, folder, heads } = loadedModelOf(model)
  await heads.ready
  const { ids, offsets } = await tokenizer.encode(texts, folder.modules.maxSeqLength)
  const { logits } = await native.predict({ task: nextTask(), ids, offsets, batchTokens: 2048, heads: [head], embedding: null })
  return logits[0]!
}
