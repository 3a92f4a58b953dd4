import fs from 'node:fs'
import { dirname, join } from 'node:path'
import { installLibtorch } from '../../lib/libtorch/install'
import { fakeSystem } from '../support/fake-system'
import { fakeWheels } from '../support/fake-wheels'
import { scratch, writeFiles } from '../support/scratch'

jest.mock('../../lib/native/addon', () => ({ loadAddon: () => fakeSystem }))

const { row, archives, kept } = fakeWheels()
const LEFT = '.2.11.0-linux-x64.0123abcd.tmp'

let cache: string
let offline: string
beforeEach(() => {
  fakeSystem.exchanges = true
  cache = scratch()
  offline = scratch()
  for (const [name, bytes] of archives) fs.writeFileSync(join(offline, name), bytes)
})
afterEach(() => jest.restoreAllMocks())

const install = (options: { offline: string; force?: boolean }) => installLibtorch({ cache, row, platform: 'linux-x64', ...options })
const folder = () => join(cache, 'libtorch', '2.11.0-linux-x64')

function expectInstalled(): void {
  for (const [path, bytes] of Object.entries(kept)) expect(fs.readFileSync(join(folder(), path)).equals(bytes)).toBe(true)
  expect(fs.readdirSync(dirname(folder()))).toEqual(['2.11.0-linux-x64'])
}

test('what a killed process left behind is removed', async () => {
  writeFiles(join(cache, 'libtorch'), { [`${LEFT}/lock`]: '', [`${LEFT}/new/torch/version.py`]: 'half', [`${LEFT}/wheels/x.whl`]: 'half' })
  await install({ offline })
  expectInstalled()
})

describe('where two folders cannot be exchanged', () => {
  beforeEach(() => (fakeSystem.exchanges = false))

  test('the former installation is put back when the new one cannot take its name', async () => {
    await install({ offline })
    writeFiles(folder(), { former: '' })
    const { renameSync } = fs
    jest.spyOn(fs, 'renameSync').mockImplementation((from, to) => {
      if (String(from).endsWith('new')) throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' })
      renameSync(from, to)
    })
    await expect(install({ offline, force: true })).rejects.toMatchObject({ code: 'ERR_DOWNLOAD' })
    expect(fs.existsSync(join(folder(), 'former'))).toBe(true)
    expectInstalled()
  })

  test('a replacement that a kill interrupted is finished, and nothing is fetched', async () => {
    await install({ offline })
    const left = join(dirname(folder()), LEFT)
    writeFiles(left, { lock: '', 'old/torch/version.py': 'former' })
    fs.renameSync(folder(), join(left, 'new'))
    await install({ offline: '/nowhere' })
    expectInstalled()
  })
})
