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

void main(process.argv[2]!, process.argv.slice(3))
