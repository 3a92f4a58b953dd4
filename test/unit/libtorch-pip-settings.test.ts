import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseIni, readPipSettings, trustedCertificates } from '../../lib/libtorch/pip'
import { scratch, writeFiles } from '../support/scratch'

describe('parseIni', () => {
  test.each([
    ['[global]\nindex-url = https://a/simple\n', { 'index-url': 'https://a/simple' }],
    ['[GLOBAL]\nindex-url=x\n', {}],
    ['[install]\nindex-url=x\n[global]\ncert : /c.pem\n', { cert: '/c.pem' }],
    ['[global]\nextra_index_url =\n    https://a\n    https://b\n', { 'extra-index-url': 'https://a https://b' }],
    ['# note\n; note\n[global]\n\nIndex-URL = a=b?c=d # e\n', { 'index-url': 'a=b?c=d # e' }],
    ['  stray\n=\n[global\nkey\n', {}],
  ])('%j', (text, expected) => {
    expect(Object.fromEntries(parseIni(text, 'global'))).toEqual(expected)
  })
})

describe('readPipSettings', () => {
  let home: string
  beforeEach(() => {
    home = scratch()
  })
  const read = (env: NodeJS.ProcessEnv = {}, platform: NodeJS.Platform = 'linux') =>
    readPipSettings({ HOME: home, XDG_CONFIG_DIRS: join(home, 'none'), ...env }, platform)
  const conf = (value: string, section = 'global') => `[${section}]\nindex-url = ${value}\n`

  test.each([
    ['nothing', {}, {}, []],
    ['the user file', { '.config/pip/pip.conf': conf('user') }, {}, ['user']],
    ['the old user file', { '.pip/pip.conf': conf('old') }, {}, ['old']],
    ['the user file over the old one', { '.pip/pip.conf': conf('old'), '.config/pip/pip.conf': conf('user') }, {}, ['user']],
    ['the section of the command', { '.pip/pip.conf': conf('own', 'download'), '.config/pip/pip.conf': conf('all') }, {}, ['own']],
    ['the environment over files', { '.config/pip/pip.conf': conf('user') }, { PIP_INDEX_URL: 'env' }, ['env']],
    ['further indexes', { '.config/pip/pip.conf': conf('user') }, { PIP_EXTRA_INDEX_URL: 'b  c' }, ['user', 'b', 'c']],
    ['no index at all', { '.config/pip/pip.conf': conf('user') }, { PIP_NO_INDEX: '1' }, []],
    ['no files', { '.config/pip/pip.conf': conf('user') }, { PIP_CONFIG_FILE: '/dev/null' }, []],
    ['no files on Windows', { '.config/pip/pip.conf': conf('user') }, { PIP_CONFIG_FILE: 'NUL' }, []],
    ['the files of a user with another home', { '.pip/pip.conf': conf('old') }, { HOME: '', USERPROFILE: 'HOME' }, ['old']],
    ['a named file over all', { '.pip/pip.conf': conf('old'), 'a.conf': conf('named') }, { PIP_CONFIG_FILE: 'HOME/a.conf' }, ['named']],
    [
      'XDG_CONFIG_HOME',
      { '.config/pip/pip.conf': conf('user'), 'xdg/pip/pip.conf': conf('xdg') },
      { XDG_CONFIG_HOME: 'HOME/xdg' },
      ['xdg'],
    ],
    ['XDG_CONFIG_DIRS', { 'a/pip/pip.conf': conf('a'), 'b/pip/pip.conf': conf('b') }, { XDG_CONFIG_DIRS: 'HOME/a:HOME/b' }, ['b']],
  ])('%s', async (_, files, env, indexes) => {
    writeFiles(home, files)
    const inHome = Object.entries(env).map(([name, value]) => [name, value.replaceAll('HOME', home)])
    expect((await read(Object.fromEntries(inHome) as NodeJS.ProcessEnv)).indexes).toEqual(indexes)
  })

  test('a named file and a virtual environment', async () => {
    writeFiles(home, { '.config/pip/pip.conf': conf('user'), 'venv/pip.conf': conf('venv'), 'named.conf': '[global]\ncert = /n.pem\n' })
    const env = { VIRTUAL_ENV: join(home, 'venv'), PIP_CONFIG_FILE: join(home, 'named.conf') }
    expect(await read(env)).toEqual({ indexes: ['venv'], cert: '/n.pem' })
    expect(await read({ ...env, PIP_CERT: '/e.pem' })).toEqual({ indexes: ['venv'], cert: '/e.pem' })
  })

  test.each<[NodeJS.Platform, string, string?]>([
    ['darwin', 'Library/Application Support/pip/pip.conf'],
    ['darwin', '.pip/pip.conf'],
    ['darwin', '.config/pip/pip.conf'],
    ['win32', 'AppData/Roaming/pip/pip.ini'],
    ['win32', 'pip/pip.ini'],
    ['win32', 'ProgramData/pip/pip.ini'],
    ['win32', 'Roaming/pip/pip.ini', 'Roaming'],
  ])('%s: %s', async (platform, path, appData = '') => {
    writeFiles(home, { [path]: conf('there') })
    const env = { PROGRAMDATA: join(home, 'ProgramData'), APPDATA: appData && join(home, appData) }
    expect((await read(env, platform)).indexes).toEqual(['there'])
  })
})

describe('trustedCertificates', () => {
  test('are those of the file and of Node', async () => {
    const folder = scratch()
    writeFiles(folder, { 'own.pem': 'OWN', 'extra.pem': 'EXTRA' })
    const own = join(folder, 'own.pem')
    const certificates = await trustedCertificates(own, { NODE_EXTRA_CA_CERTS: join(folder, 'extra.pem') })
    expect(certificates!.slice(0, 2)).toEqual([readFileSync(own, 'utf8'), 'EXTRA'])
    expect(certificates!.length).toBeGreaterThan(50)
  })

  test('are left to Node where nothing is set, or the same', async () => {
    expect(await trustedCertificates(undefined)).toBeUndefined()
    expect(await trustedCertificates('/a.pem', { NODE_EXTRA_CA_CERTS: '/a.pem' })).toBeUndefined()
  })

  test('a file that cannot be read is named', async () => {
    await expect(trustedCertificates('/nowhere.pem', {})).rejects.toMatchObject({
      code: 'ERR_DOWNLOAD',
      message: expect.stringContaining('/nowhere.pem'),
    })
  })
})
