import os from 'node:os'
import { join } from 'node:path'
import { gatherFacts } from '../../lib/doctor/doctor'
import { expandHome, hubSettings } from '../../lib/hub/settings'
import { cacheFolder, findLibtorch } from '../../lib/libtorch/find'
import { readPipSettings } from '../../lib/libtorch/pip'
import { withEnvironment } from '../support/environment'
import { scratch } from '../support/scratch'

jest.mock('node:os', () => ({ ...jest.requireActual<typeof os>('node:os'), homedir: jest.fn() }))

const NAMES = [
  'HOME',
  'HF_HOME',
  'HF_HUB_CACHE',
  'HUGGINGFACE_HUB_CACHE',
  'XDG_CACHE_HOME',
  'SENTORCH_CACHE',
  'SENTORCH_LIBTORCH',
  'HF_TOKEN',
]
const nothing = Object.fromEntries(NAMES.map((name) => [name, undefined]))

beforeEach(() => {
  withEnvironment(nothing)
  jest.mocked(os.homedir).mockImplementation(() => {
    throw Object.assign(new Error('uv_os_homedir returned ENOENT'), { code: 'ERR_SYSTEM_ERROR', syscall: 'uv_os_homedir' })
  })
})

const homeless = (instead: string) => ({
  code: 'ERR_FILE',
  message: expect.stringMatching(new RegExp(`no home folder.*Set ${instead}, or HOME`)),
  cause: { code: 'ERR_SYSTEM_ERROR' },
})

test('a default in the home folder is a typed failure that says what to set instead', async () => {
  await expect(hubSettings({})).rejects.toMatchObject(homeless('HF_HOME'))
  expect(() => expandHome('~/model')).toThrow(expect.objectContaining({ code: 'ERR_FILE' }))
  expect(() => cacheFolder({}, 'linux')).toThrow(expect.objectContaining({ code: 'ERR_FILE' }))
})

test.each([
  ['the option', {}, { cacheFolder: '/c' }, '/c'],
  ['HF_HUB_CACHE', { HF_HUB_CACHE: '/h' }, {}, '/h'],
  ['HF_HOME', { HF_HOME: '/hf' }, {}, join('/hf', 'hub')],
  ['XDG_CACHE_HOME', { XDG_CACHE_HOME: '/x' }, {}, join('/x', 'huggingface', 'hub')],
])('no home folder is needed where %s names the cache', async (_name, environment, options, folder) => {
  withEnvironment(environment)
  expect(await hubSettings(options)).toMatchObject({ cacheFolder: folder, token: undefined })
})

test('a libtorch that is named, or that Python has, needs none', async () => {
  withEnvironment({ PATH: scratch() })
  const search = await findLibtorch().catch((error: { code: string; message: string }) => error)
  expect(search).toMatchObject({ code: 'ERR_LIBTORCH_MISSING', message: expect.stringContaining('no home folder') })
  await expect(findLibtorch({ path: '/nowhere' })).rejects.toMatchObject({ code: 'ERR_LIBTORCH_MISSING' })
})

test('doctor reports what it can, and pip is asked without its own files', async () => {
  withEnvironment({ PATH: scratch() })
  const facts = await gatherFacts(async () => ({}))
  expect(facts.caches).toEqual([])
  expect(facts.libtorch).toMatchObject({ found: null, error: expect.stringContaining('no home folder') })
  expect(await readPipSettings({ PIP_INDEX_URL: 'https://a/simple' }, 'linux')).toMatchObject({ indexes: ['https://a/simple'] })
})
