// Trains a model to recognise an intent and cities from sixteen sentences, predicts on new sentences, saves the model and loads it again.
// node examples/train.mts MODEL FOLDER      (Node 22.18 or newer runs TypeScript as it is; MODEL is sentorch:mini, a folder or a hub id, FOLDER a new one)
import { Dataset, Model, type Example } from 'sentorch'

const [where = 'sentorch:mini', folder = 'trained-model'] = process.argv.slice(2)

/** A city is written in brackets. */
function example(intent: string, marked: string): Example {
  const start = marked.indexOf('[')
  const end = marked.indexOf(']') - 1
  return { text: marked.replace(/[[\]]/g, ''), labels: { intent, slots: start < 0 ? [] : [{ start, end, label: 'city' }] } }
}

const data = await Dataset.from([
  ...['rain in [Oslo] today', 'will it snow in [New York]', 'is it warm in [Rome]', 'how cold does [Berlin] get at night'].map((text) =>
    example('weather', text),
  ),
  ...['do I need an umbrella', 'what is the forecast for [Paris]', 'sunny in [Madrid] on friday', 'storm warning'].map((text) =>
    example('weather', text),
  ),
  ...['book a table in [Vienna]', 'a hotel room in [London] please', 'reserve two seats', 'find me a flat in [San Francisco]'].map((text) =>
    example('book', text),
  ),
  ...['I want to stay in [Lisbon]', 'a restaurant in [Tokyo] for four', 'rent a car in [Boston]', 'make a reservation'].map((text) =>
    example('book', text),
  ),
])

const encoder = await Model.load(where)
// The bundled model has heads of its own.
for (const { name } of encoder.heads) encoder.removeHead(name)
const model = encoder
  .addHead({ name: 'intent', type: 'classification', labels: data.labels('intent') })
  .addHead({ name: 'slots', type: 'token-classification', labels: data.labels('slots') })

const trainer = model.trainer({ learningRate: 1e-4, headLearningRate: 5e-3, layerDecay: 0.9, batchSize: 4, epochs: 12 })
const { history } = await trainer.fit(data)
console.log(`loss ${history[0]?.loss.toFixed(2)} → ${history.at(-1)?.loss.toFixed(2)}`)
await trainer.dispose()

await model.save(folder, { overwrite: true })
await model.dispose()

await using again = await Model.load(folder)
for (const { text, ...found } of await again.predict(['snow in Moscow tomorrow', 'book a room in Chicago'])) {
  console.log(
    text,
    JSON.stringify(found, (key, value: unknown) => (key === 'score' ? Number((value as number).toFixed(2)) : value)),
  )
}
