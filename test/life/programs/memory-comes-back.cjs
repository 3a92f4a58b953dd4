// Loads and disposes of models; prints by how many megabytes the process grew for each, after the first few.
'use strict'
const v8 = require('node:v8')
const vm = require('node:vm')
const { load } = require('./prepare.cjs')
v8.setFlagsFromString('--expose-gc')
const gc = vm.runInNewContext('gc')
const [first, counted] = [3, 6]

async function once() {
  const model = await load()
  await model.encode('x')
  await model.dispose()
  gc()
}

async function main() {
  for (let i = 0; i < first; i++) await once()
  const before = process.memoryUsage().rss
  for (let i = 0; i < counted; i++) await once()
  console.log((process.memoryUsage().rss - before) / counted / 2 ** 20)
}
void main()
