import { cpSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { openFolder } from '../../lib/format/folder'
import { recoverFolder } from '../../lib/files/staging'
import { runOnFullDisk, runProgram } from '../support/child'
import { filesIn } from '../support/fake-model'
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
  expect(filesIn(folder)).toHaveLength(11)
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

test('on a full disk saving is ERR_FILE, the old folder stays, and training continues', async () => {
  const source = makeVariant({ base: 'bert' })
  const parent = scratch()
  const folder = join(parent, 'model')
  cpSync(source, folder, { recursive: true })
  // 64 KB: enough for the JSON files, not for the weights.
  const { stdout, stderr, code } = await runOnFullDisk(128, 'saves-on-full-disk', [source, folder, join(parent, 'run')])
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
  const lines = stdout.trim().split('\n')
  const warning = 'warning SENTORCH_CHECKPOINT_NOT_SAVED'
  expect(lines.filter((line) => line === warning)).toHaveLength(4)
  expect(lines.filter((line) => line !== warning)).toEqual([
    'save SentorchError ERR_FILE',
    'saveEvery done',
    'applied 4',
    'saveCheckpoint SentorchError ERR_FILE',
    'trainEpoch done',
    'epoch 2',
  ])
  expect(readdirSync(parent)).toEqual(['model'])
  expect(filesIn(folder)).toEqual(filesIn(source))
})

test('disposing of a model while it is saved is ERR_DISPOSED, and the old folder stays', async () => {
  const source = makeVariant({ base: 'bert' })
  const parent = scratch()
  const folder = join(parent, 'model')
  cpSync(source, folder, { recursive: true })
  const { stdout, stderr, code } = await runProgram('disposed-in-save', {}, [source, folder])
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
  const outcomes = new Set(stdout.trim().split('\n'))
  outcomes.delete('saved')
  expect([...outcomes]).toEqual(['ERR_DISPOSED'])
  expect(readdirSync(parent)).toEqual(['model'])
  await openFolder(folder)
})
