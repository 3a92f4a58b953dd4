import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { openFolder } from '../../lib/format/folder'
import { sweep } from '../../lib/files/staging'
import { runProgram, startProgram } from '../support/child'
import { scratch } from '../support/scratch'
import { makeVariant } from '../support/variant'

interface SharedNumbers {
  set(values: { noExchange?: number }): void
}
const { buildShim, Control, shimEnvironment } = require('../support/faults/shim.cjs') as {
  buildShim: (folder: string) => string
  Control: new (file: string) => SharedNumbers
  shimEnvironment: (library: string, control: SharedNumbers, root: string) => NodeJS.ProcessEnv
}

test('what a living process writes is not swept, whatever its number; what a killed one wrote is', async () => {
  const target = join(scratch(), 'model')
  const { child, ending } = startProgram('holds-staging', {}, [target])
  const [path] = (await once(child.stdout, 'data')) as [string]
  await sweep(target)
  expect(existsSync(join(path.trim(), 'new'))).toBe(true)
  child.kill('SIGKILL')
  expect(await ending).toMatchObject({ signal: 'SIGKILL', stderr: '' })
  await sweep(target)
  expect(existsSync(path.trim())).toBe(false)
})

test.each([
  ['in one step', 0],
  ['by two renames', 1],
])('replacing %s, saves of one folder by several processes at once all end well and leave one whole folder', async (_, noExchange) => {
  const source = makeVariant({ base: 'bert' })
  const parent = scratch()
  const control = new Control(join(scratch(), 'control'))
  control.set({ noExchange })
  const environment = shimEnvironment(buildShim(scratch()), control, parent)
  const endings = await Promise.all([1, 2, 3].map(() => runProgram('saves-at-once', environment, [source, join(parent, 'model')])))
  for (const { stdout, stderr, code } of endings) {
    // Node would warn on stderr of more than ten listeners.
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
    expect(stdout.trim().split('\n')).toEqual(Array.from({ length: 12 }, () => 'fulfilled'))
  }
  expect(readdirSync(parent)).toEqual(['model'])
  await openFolder(join(parent, 'model'))
})

test.each([0, 5, 15])('a worker is terminated %i ms into saving: the next save clears away what it left', async (ms) => {
  const source = makeVariant({ base: 'bert' })
  const parent = scratch()
  const { stderr, code } = await runProgram('saves-in-worker', {}, [source, join(parent, 'model'), String(ms)])
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
  expect(readdirSync(parent)).toEqual(['model'])
  await openFolder(join(parent, 'model'))
})
