import { Model } from '../../lib'
import type { Example } from '../../lib/data/example'
import { randomNumbers } from '../support/random'
import { makeVariant } from '../support/variant'

const INTENTS = ['go', 'stop']
const TAGS = ['B-place', 'I-place', 'O']

function examples(count: number, seed: number): Example[] {
  const random = randomNumbers(seed)
  const pick = (list: string[]) => list[Math.floor(random() * list.length)]!
  return Array.from({ length: count }, () => {
    const intent = pick(INTENTS)
    const filler = Array.from({ length: 1 + Math.floor(random() * 4) }, () => pick(['the', 'towards', 'x', '42']))
    const words = [intent === 'go' ? 'river' : 'ocean', ...filler, 'flows', 'river']
    const tags = words.map((word, i) => (word === 'flows' ? 'B-place' : i === words.length - 1 ? 'I-place' : 'O'))
    return { text: words.join(' '), words, labels: { intent, slots: tags } }
  })
}

async function load() {
  const model = await Model.load(makeVariant({ base: 'bert' }), { device: 'cpu' })
  return model
    .addHead({ name: 'intent', type: 'classification', labels: INTENTS })
    .addHead({ name: 'slots', type: 'token-classification', labels: TAGS })
}

test('it learns', async () => {
  const model = await load()
  const trainer = model.trainer({ learningRate: 1e-3, epochs: 4, batchSize: 8 })
  console.log(await trainer.parameterGroups())
  const data = examples(200, 1)
  for (let e = 0; e < 4; e++) console.log(await trainer.trainEpoch(data))
  console.log(JSON.stringify(await trainer.evaluate(examples(50, 2)), null, 1))
  await trainer.dispose()
  await model.dispose()
})
