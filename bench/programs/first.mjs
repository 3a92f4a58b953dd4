// From process start to the first vector, and out again. usage: node bench/programs/first.mjs MODEL_DIR
import { Model } from '../../dist/index.js'

const model = await Model.load(process.argv[2], { device: 'cpu' })
const vector = await model.encode('How soon is the first vector here?')
if (vector.length !== model.info.dimension) throw new Error('no vector')
