// Kills processes that save, at calls drawn by a seed: the folder must be the old or the new one whole, and the next save must work.
// usage: node scripts/check-long/kills.mjs [COUNT] [SEED]
import { createRequire } from 'node:module'
import { inRoot } from '../support/paths.mjs'

const { runKills } = createRequire(import.meta.url)(inRoot('test/support/faults/kills.cjs'))
const [count = 600, seed = 1] = process.argv.slice(2).map(Number)
const problems = await runKills({ source: inRoot('test/fixtures/models/bert'), count, seed })
for (const problem of problems) console.log(problem)
console.log(`${count} kills of saves and checkpoints (seed ${seed}): ${problems.length} folders not whole`)
process.exitCode = problems.length > 0 ? 1 : 0
