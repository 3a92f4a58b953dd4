import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FolderIdentity, identityOf } from '../../lib/format/file-identity'
import { folderOf } from '../support/scratch'

async function setUp() {
  const parent = folderOf({ 'model/weights': 'x' })
  const folder = join(parent, 'model')
  const file = join(folder, 'weights')
  const files = { files: [file], identities: [await identityOf(file)] }
  const replace = () => {
    renameSync(folder, join(parent, 'old'))
    mkdirSync(folder)
  }
  return { folder, file, files, replace, place: await FolderIdentity.of(folder) }
}

test('what was read from a folder that stays comes back, and its errors pass', async () => {
  const { place, files } = await setUp()
  expect(await place.whileReading(async () => 1, files)).toBe(1)
  const error = new Error('mine')
  await expect(place.whileReading(async () => Promise.reject(error), files)).rejects.toBe(error)
})

test('a folder that was replaced meanwhile is said to be, whatever came of the reading', async () => {
  const replaced = {
    code: 'ERR_FILE',
    message: expect.stringMatching(/model was replaced while the model was loaded from it. Load it again/),
  }
  const first = await setUp()
  await expect(first.place.whileReading(async () => first.replace())).rejects.toMatchObject(replaced)
  const second = await setUp()
  const missing = new Error('ENOENT')
  const read = async () => {
    second.replace()
    throw missing
  }
  await expect(second.place.whileReading(read)).rejects.toMatchObject({ ...replaced, cause: missing })
})

test('so is a file of the weights that was written to', async () => {
  const { place, file, files } = await setUp()
  const read = place.whileReading(async () => writeFileSync(file, 'longer'), files)
  await expect(read).rejects.toMatchObject({ code: 'ERR_FILE', message: expect.stringContaining(`${file} was changed`) })
})
