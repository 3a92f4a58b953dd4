// Disposes of a model at moments of saving it over an earlier save; says how each save ended.
'use strict'
const { Model } = require('../../..')
const [source, folder] = process.argv.slice(2)

async function main() {
  for (let ms = 0; ms < 30; ms += 3) {
    const model = await Model.load(source, { device: 'cpu', threads: 1 })
    const saving = model.save(folder, { overwrite: true }).then(() => 'saved', (error) => error.code) // prettier-ignore
    // What is queued ahead of the writing: it waits, and is refused.
    const work = model.encode(Array(500).fill('sentence flows')).catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, ms))
    await model.dispose()
    await work
    console.log(await saving)
  }
}
void main()
