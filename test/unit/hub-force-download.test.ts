import * as fs from 'node:fs'
import * as path from 'node:path'
import { resolveModel } from '../../lib/hub/hub'
import { COMMIT, expectWhole, hub, ID, refusal, repository, useHub } from '../support/hub-fixture'

useHub()

test('forceDownload downloads what is in the cache again, and repairs what was damaged there without changing its size', async () => {
  const { folder } = await resolveModel(ID)
  const file = path.join(folder, 'model.safetensors')
  fs.writeFileSync(file, Buffer.alloc(fs.statSync(file).size))
  expect(await resolveModel(ID)).toMatchObject({ source: 'cache' })
  const before = hub.count('resolve')
  expect(await resolveModel(ID, { forceDownload: true })).toEqual({ folder, source: 'hub', id: ID, commit: COMMIT })
  expect(hub.count('resolve')).toBe(2 * before)
  expectWhole(folder)
  expect(fs.readdirSync(path.join(repository(), 'blobs')).filter((name) => name.includes('.'))).toEqual([])
  expect(await resolveModel(ID, { forceDownload: true, revision: COMMIT })).toMatchObject({ source: 'hub' })
})

test('forceDownload does not use the cache if the hub cannot be reached, and is refused in offline mode', async () => {
  await resolveModel(ID)
  expect(await refusal(ID, { forceDownload: true, offline: true })).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  await hub.close()
  expect(await refusal(ID, { forceDownload: true })).toMatchObject({ code: 'ERR_DOWNLOAD' })
  expect(await resolveModel(ID)).toMatchObject({ source: 'cache' })
})
