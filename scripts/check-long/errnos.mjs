// Makes calls of saves fail, drawn by a seed: the folder must be what the call has told, whole, and the next save must work.
// usage: node scripts/check-long/errnos.mjs [COUNT] [SEED]
import { createRequire } from 'node:module'
import { inRoot } from '../support/paths.mjs'

const { runErrnos } = createRequire(import.meta.url)(inRoot('test/support/faults/errnos.cjs'))
const [count = 800, seed = 1] = process.argv.slice(2).map(Number)
const problems = await runErrnos({ source: inRoot('test/fixtures/models/bert'), count, seed })
for (const problem of problems) console.log(problem)
console.log(`${count} failing calls of saves and checkpoints (seed ${seed}): ${problems.length} wrong outcomes`)
process.exitCode = problems.length > 0 ? 1 : 0
