import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { openFolder } from '../../lib/format/folder'
import { recoverFolder } from '../../lib/format/write-folder'
import { runProgram } from '../support/child'
import { filesIn } from '../support/fake-parts'
import { scratch } from '../support/scratch'
import { makeVariant } from '../support/variant'

/** Ends the program so many milliseconds into saving; gives the folder around the model. */
async function ended(how: 'kill' | 'exit', ms: number): Promise<{ parent: string; folder: string }> {
  const parent = scratch()
  const folder = join(parent, 'model')
  const environment = { SENTORCH_LIFE_MODEL: makeVariant({ base: 'bert' }) }
  const { stderr, code, signal } = await runProgram('saves', environment, [folder, how, String(ms)])
  expect({ stderr, code, signal }).toEqual({
    stderr: '',
    ...(how === 'kill' ? { code: null, signal: 'SIGKILL' } : { code: 3, signal: null }),
  })
  return { parent, folder }
}

async function expectWhole(folder: string): Promise<void> {
  const { heads } = await openFolder(folder)
  expect(heads.map(({ head }) => head.name)).toEqual(['intent'])
  expect(filesIn(folder)).toHaveLength(10)
}

test.each([1, 3, 7, 13, 20, 31, 50])('killed %i ms into saving: what has the name, or gets it back, is whole', async (ms) => {
  const { folder } = await ended('kill', ms)
  await recoverFolder(folder)
  await expectWhole(folder)
})

test.each([1, 11, 29])('process.exit() %i ms into saving: as well, and no half folder lies beside it', async (ms) => {
  const { parent, folder } = await ended('exit', ms)
  await recoverFolder(folder)
  await expectWhole(folder)
  expect(readdirSync(parent).filter((name) => name.endsWith('.tmp'))).toEqual([])
})
