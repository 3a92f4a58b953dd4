'use strict'
const { KINDS } = require('./saves.cjs')

/** What is saved, over what, and whether the system can exchange two folders. */
function scenarios() {
  return KINDS.flatMap((kind) =>
    [true, false].flatMap((exchange) => (kind === 'in-place' ? [true] : [true, false]).map((before) => ({ kind, before, exchange }))),
  )
}

/** Reproducible numbers in [0, 1) from a seed: mulberry32. */
function random(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * The number of the call that is struck in case `i`: of each scenario first the last one that moves a folder, then the one after it, then any.
 */
function callOf({ calls, moved }, i, next) {
  const round = Math.floor(i / scenarios().length)
  return round < 2 ? moved + round : 1 + Math.floor(next() * calls)
}

module.exports = { callOf, random, scenarios }
