// What each program here begins with. With SENTORCH_LIFE=off the same program runs without the addon: what it prints and how it ends is what
// Node itself does, and the tests compare the two.
'use strict'
const folder = process.env.SENTORCH_LIFE_MODEL
const without = process.env.SENTORCH_LIFE === 'off'

const texts = Array.from({ length: 4096 }, (_, i) => `Sentence number ${i} keeps the model busy for a while, as real ones do in a service.`)

/** A model, or a stand-in that takes as long and does nothing. */
async function load() {
  if (without) return { encode: async () => new Promise((resolve) => setTimeout(resolve, 200)), dispose: async () => {} }
  const { Model } = require('../../..')
  return Model.load(folder, { device: 'cpu' })
}

/** Begins an encode that lasts seconds, and resolves when it is surely under way. */
async function busy(model) {
  const work = model.encode(texts)
  work.catch(() => {})
  await new Promise((resolve) => setTimeout(resolve, 150))
  return work
}

module.exports = { load, busy, texts, without }
