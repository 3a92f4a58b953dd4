import { throwIfAborted } from '../base/errors'
import { kindOf } from '../heads/kinds'
import { needWholeTexts, resolvePredict, type PredictOptions, type ResolvedPredict } from './options'
import type { ModelParts } from '../model/parts'
import { estimateTokens } from '../encode/chunks'
import { checkInputs, lengthOf, type Input } from './inputs'
import { Predicting, type AnyPrediction } from './predicting'

/** `Model.predict`: everything is checked before any work. */
export async function predict(
  parts: ModelParts,
  texts: unknown,
  options: PredictOptions | undefined,
): Promise<AnyPrediction | AnyPrediction[]> {
  const { tokenizer, folder, heads } = parts
  const { modules, config, classifierNote } = folder
  const { inputs, single } = checkInputs(texts, tokenizer.vocabSize)
  const request = resolvePredict(options, { modules, config, heads, surroundings: tokenizer.surroundings, classifierNote })
  throwIfAborted(request.signal)
  return parts.admission.hold(bytesOf(inputs, request), async () => {
    await heads.ready
    const results = await new Predicting(parts, request).run(inputs)
    return single ? results[0]! : results
  })
}

/** What a call holds until it settles: its texts, in UTF-16, and the numbers of its results. */
function bytesOf(inputs: readonly Input[], { heads, embedding, maxLength }: ResolvedPredict): number {
  const logits = (perToken: boolean) =>
    heads.filter((head) => kindOf(head).perToken === perToken).reduce((sum, { labels }) => sum + labels.length, 0)
  const perText = 4 * (logits(false) + (embedding?.dimension ?? 0))
  const perToken = 4 * logits(true)
  return inputs.reduce((sum, input) => {
    const length = lengthOf(input)
    const tokens = estimateTokens(length, needWholeTexts(heads) ? Infinity : maxLength)
    return sum + 2 * length + perText + perToken * tokens
  }, 0)
}
