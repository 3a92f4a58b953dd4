import { join } from 'node:path'
import { FIXTURES } from '../support/variant'

interface Run {
  source: string
  count: number
  seed: number
}
const { runErrnos } = require('../support/faults/errnos.cjs') as { runErrnos: (run: Run) => Promise<string[]> }
const { runKills } = require('../support/faults/kills.cjs') as { runKills: (run: Run) => Promise<string[]> }

// The same programs by the hundred: scripts/check-long/.
const source = join(FIXTURES, 'models', 'bert')

test('killed at any call of a save, a folder is the old or the new one whole, and the next save works', async () => {
  expect(await runKills({ source, count: 60, seed: 1 })).toEqual([])
}, 600_000)

test('whatever call of a save fails, the folder is what the call has told, and the next save works', async () => {
  expect(await runErrnos({ source, count: 80, seed: 1 })).toEqual([])
}, 600_000)
