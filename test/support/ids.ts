import { openFolder } from '../../lib/format/folder'
import { Tokenizer } from '../../lib/tokenizer/tokenizer'

/** Token ids of each text as the model of this folder sees them, cut at `maxLength` or at the limit of the model. */
export async function tokenIds(folder: string, texts: readonly string[], maxLength?: number): Promise<number[][]> {
  const { config, modules } = await openFolder(folder)
  const tokenizer = await Tokenizer.open(folder, { maxLength: modules.maxSeqLength, doLowerCase: modules.doLowerCase, config })
  try {
    const { ids, offsets } = await tokenizer.encode(texts, maxLength ?? modules.maxSeqLength)
    return texts.map((_, i) => Array.from(ids.subarray(offsets[i], offsets[i + 1])))
  } finally {
    tokenizer.dispose()
  }
}
