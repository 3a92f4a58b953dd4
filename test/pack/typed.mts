// Compiled strictly, declaration files of the package included, as an ES module and (renamed to .cts) as CommonJS.
import { Model, SentorchError, type Embeddings, type EncodeOptions } from 'sentorch'

async function main(folder: string, texts: string[]): Promise<void> {
  const model: Model = await Model.load(folder, { dtype: 'float32', device: 'cpu' })
  const options: EncodeOptions<'float32'> = { batchTokens: 64 }
  const embeddings: Embeddings = await model.encode(texts, options)
  const single: Float32Array = await model.encode(texts[0]!)
  // @ts-expect-error no such option
  const refused: unknown = await model.encode(texts, { batchSize: 1 }).catch((error: unknown) => error)
  if (!(refused instanceof SentorchError) || refused.code !== 'ERR_INVALID_ARGUMENT' || single.length !== embeddings.dimension)
    throw refused
  const vectors = Array.from(embeddings, (row: Float32Array) => Array.from(row))
  await model.dispose()
  console.log(JSON.stringify({ vectors }))
}

/** Compiled only: training and evaluation know the heads. */
export async function train(folder: string): Promise<number> {
  const heads = [{ name: 'intent', type: 'classification', labels: ['go', 'stop'] }] as const
  const model = await Model.load(folder, { heads })
  const data = [{ text: 'ocean', labels: { intent: 'stop' } }]
  const { losses } = await model.trainEpoch(data, { tasks: { intent: { classWeights: { stop: 2 } } } })
  const { best } = await model.fit(data, { evaluate: data, earlyStopping: { metric: 'intent.macroF1', patience: 2 } })
  const { metrics } = await model.evaluate(data)
  // @ts-expect-error no such head
  void losses.intentt
  // @ts-expect-error no such label
  await model.fit([{ text: 'ocean', labels: { intent: 'halt' } }]).catch(() => {})
  return metrics.intent.accuracy + (best?.value ?? 0)
}

void main(process.argv[2]!, process.argv.slice(3))
