// From process start to the first vector, in transformers.js. Runs where its package is installed. usage: first_transformersjs.mjs MODELS_DIR NAME
import { env, pipeline } from '@huggingface/transformers'

const [root, name] = process.argv.slice(2)
env.allowRemoteModels = false
env.localModelPath = root
const extract = await pipeline('feature-extraction', name, { dtype: 'fp32', device: 'cpu' })
await extract(['How soon is the first vector here?'], { pooling: 'mean', normalize: true })
