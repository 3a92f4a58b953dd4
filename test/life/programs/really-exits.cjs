// Ends by process.reallyExit(), which emits no 'exit' event and runs no cleanup hook, while the model's thread loads, encodes or trains.
'use strict'
const { load, busy } = require('./prepare.cjs')
const [work, ms] = process.argv.slice(2)

const examples = Array.from({ length: 512 }, (_, i) => ({ text: `sentence ${i} flows`, labels: { intent: i % 2 ? 'odd' : 'even' } }))
const leave = () => setTimeout(() => process.reallyExit(7), Number(ms))

async function main() {
  if (work === 'load') leave()
  const model = await load()
  if (work === 'encode') void busy(model)
  if (work === 'train') {
    model.addHead({ name: 'intent', type: 'classification', labels: ['even', 'odd'] })
    model.trainEpoch(examples, { batchSize: 8 }).catch(() => {})
  }
  if (work !== 'load') leave()
}
void main()
