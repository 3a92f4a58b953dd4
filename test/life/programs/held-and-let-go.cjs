// A native model that nothing refers to is kept while work is out, keeps the process alive until then, and is collected afterwards.
'use strict'
const v8 = require('node:v8')
const vm = require('node:vm')
const { openSurface, modelBefore } = require('../../support/native-surface.cjs')

v8.setFlagsFromString('--expose-gc')
const gc = vm.runInNewContext('gc')

async function collect() {
  for (let i = 0; i < 5; i++) {
    gc()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function main() {
  const surface = await openSurface(process.argv[2])
  const held = { model: await modelBefore(surface, 1) }
  const rows = 20_000
  const request = {
    ...surface.steps[1][1][0],
    ids: new Int32Array(rows * 32).fill(5),
    offsets: Int32Array.from({ length: rows + 1 }, (_, i) => i * 32),
  }
  const work = held.model.encode(request)
  const weak = new WeakRef(held.model)
  delete held.model
  // Collected now and then while the model's thread works: nothing but the promise is left.
  await collect()
  const { nonFiniteRow } = await work
  await collect()
  console.log(nonFiniteRow, weak.deref() === undefined ? 'collected' : 'kept')
  // After the addon's own listener, which has ended all of its threads.
  process.on('exit', () => {
    try {
      new surface.addon.Model()
    } catch (error) {
      console.log(error.code)
    }
  })
}
void main()
