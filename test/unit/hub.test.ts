import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import type { SentorchError } from '../../lib/base/errors'
import { resolveModel, type ResolveOptions } from '../../lib/hub/hub'
import { packageRoot } from '../../lib/native/addon'
import type { LoadProgress } from '../../lib/model/load-options'
import {
  COMMIT,
  NEWER,
  ID,
  WEIGHTS,
  NEEDED,
  UNNEEDED,
  tiny,
  home,
  hub,
  repository,
  snapshot,
  refusal,
  expectWhole,
  faults,
  useHub,
} from '../support/hub-fixture'
import { sha256 } from '../support/hub-server'

useHub()

describe('local', () => {
  test.each([
    ['absolute', () => home],
    ['relative', () => path.relative(process.cwd(), home)],
    ['with a slash at the end', () => `${home}/`],
  ])('%s', async (_, where) => {
    expect(await resolveModel(where())).toEqual({ folder: home, source: 'local' })
    expect(hub.requests).toEqual([])
  })

  test('a folder wins over a repository of the same name, and ~ is the home folder', async () => {
    const before = process.cwd()
    fs.mkdirSync(path.join(home, ID), { recursive: true })
    try {
      process.chdir(home)
      expect((await resolveModel(ID)).source).toBe('local')
    } finally {
      process.chdir(before)
    }
    expect((await refusal('~/surely/not/there')).message).toContain(path.join(os.homedir(), 'surely/not/there'))
  })

  test.each([
    './a',
    '../a',
    '/nowhere/a',
    '~/nowhere',
    'C:\\models\\a',
    'a\\b',
    'a/b/c',
    '.hidden',
    'a b',
    'x--y',
    'ünïcode',
    'a..b',
    'a/',
    '..'.repeat(9),
  ])('%s is never asked of the hub', async (where) => {
    expect(await refusal(where)).toMatchObject({ code: 'ERR_MODEL_NOT_FOUND' })
    expect(hub.requests).toEqual([])
  })

  test('the bundled model is in the package, whatever folders are called', async () => {
    const before = process.cwd()
    fs.mkdirSync(path.join(home, 'sentorch:mini'))
    try {
      process.chdir(home)
      const bundled = { folder: path.join(packageRoot, 'models', 'mini'), source: 'bundled' }
      expect(await resolveModel('sentorch:mini')).toEqual(bundled)
      expect(await resolveModel('./sentorch:mini')).toEqual({ folder: path.join(fs.realpathSync(home), 'sentorch:mini'), source: 'local' })
    } finally {
      process.chdir(before)
    }
    for (const where of ['sentorch:maxi', 'sentorch:', 'sentorch:mini/', 'sentorch:../mini']) {
      expect(await refusal(where)).toMatchObject({ code: 'ERR_MODEL_NOT_FOUND', message: expect.stringContaining(`'sentorch:mini'`) })
    }
    expect(hub.requests).toEqual([])
  })

  test('says what a path may have meant', async () => {
    expect((await refusal(`./${ID}`)).message).toMatch(/pass 'acme\/tiny'/)
    fs.writeFileSync(path.join(home, 'file'), '')
    expect((await refusal(path.join(home, 'file'))).message).toMatch(/a file, not a folder.*Pass the folder/)
  })

  test.each([
    ['', {}],
    ['a\0b', {}],
    [5, {}],
    [ID, { revision: '../../x' }],
    [ID, { revision: '' }],
    [ID, { revision: 'a//b' }],
    [ID, { revision: 'a\\b' }],
    [ID, { token: 'a\nb' }],
    [ID, { offline: 'yes' }],
    [ID, { connectTimeout: 0 }],
  ])('refuses %j %j', async (where, options) => {
    expect(await refusal(where as string, options as ResolveOptions)).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  })
})

describe('download', () => {
  test('another name of a commit that is there is noted before the call ends', async () => {
    await resolveModel(ID)
    expect(await resolveModel(ID, { revision: 'v1.0' })).toMatchObject({ source: 'cache', commit: COMMIT })
    expect(fs.readFileSync(path.join(repository(), 'refs/v1.0'), 'utf8')).toBe(COMMIT)
  })

  test('the files that are needed, in the layout of Python', async () => {
    const progress: LoadProgress[] = []
    const found = await resolveModel(ID, { onProgress: (event) => progress.push(event) })
    expect(found).toEqual({ folder: snapshot(), source: 'hub', id: ID, commit: COMMIT })
    expectWhole(found.folder)
    expect(fs.readFileSync(path.join(repository(), 'refs/main'), 'utf8')).toBe(COMMIT)
    expect(fs.readlinkSync(path.join(snapshot(), 'model.safetensors'))).toBe(`../../blobs/${sha256(WEIGHTS)}`)
    expect(fs.readlinkSync(path.join(snapshot(), '1_Pooling/config.json'))).toMatch(/^\.\.\/\.\.\/\.\.\/blobs\/[0-9a-f]{40}$/)
    for (const [name, content] of Object.entries(NEEDED)) {
      const { length } = Buffer.from(content)
      expect(progress.filter((event) => event.file === name).at(-1) ?? name).toEqual({
        stage: 'download',
        file: name,
        loaded: length,
        total: length,
      })
    }
  })

  test('progress comes at most every 100 ms, and at the end of each file', async () => {
    hub.repositories[ID]!.files['model.safetensors'] = randomBytes(20_000_000)
    const events: LoadProgress[] = []
    const start = Date.now()
    await resolveModel(ID, { onProgress: (event) => events.push(event) })
    expect(events.length).toBeLessThanOrEqual(Object.keys(NEEDED).length + 1 + (Date.now() - start) / 100)
    expect(events.filter(({ loaded, total }) => loaded === total)).toHaveLength(Object.keys(NEEDED).length)
  })

  test.each([
    ['tiny', 'sentence-transformers/tiny'],
    ['Bert-Base-Uncased', 'Bert-Base-Uncased'],
    ['xlm-roberta-large-finetuned-conll03-german', 'xlm-roberta-large-finetuned-conll03-german'],
    ['bert-base-nli-mean-tokens', 'sentence-transformers/bert-base-nli-mean-tokens'],
  ])('%s means %s', async (where, id) => {
    const found = await resolveModel(where).catch((error: SentorchError) => error.detail)
    expect(found).toMatchObject({ id })
  })

  test('a revision with slashes, and a commit', async () => {
    expect(await resolveModel(ID, { revision: 'refs/pr/1' })).toMatchObject({ commit: NEWER })
    expect(fs.readFileSync(path.join(repository(), 'refs/refs/pr/1'), 'utf8')).toBe(NEWER)
    expect(await resolveModel(ID, { revision: COMMIT })).toMatchObject({ commit: COMMIT, source: 'cache' })
    expect(hub.count('info')).toBe(1)
  })

  test('shards and folders that the metadata names', async () => {
    const { 'model.safetensors': _, ...rest } = NEEDED
    const module = (type: string, folder: string) => ({ path: folder, type: `sentence_transformers.models.${type}` })
    const files = {
      'modules.json': JSON.stringify([
        module('Transformer', '0_Transformer'),
        module('Pooling', '1_Pooling'),
        module('Dense', './2_Dense/'),
      ]),
      'config_sentence_transformers.json': '{}',
      '1_Pooling/config.json': '{}',
      '2_Dense/config.json': '{"in_features":4}',
      '2_Dense/model.safetensors': randomBytes(3000),
      '0_Transformer/config.json': rest['config.json']!,
      '0_Transformer/vocab.json': '{}',
      '0_Transformer/merges.txt': 'a b',
      '0_Transformer/sentence_roberta_config.json': '{"max_seq_length":1}',
      '0_Transformer/model.safetensors.index.json': JSON.stringify({
        weight_map: { a: 'model-1.safetensors', b: 'model-2.safetensors', c: 'model-1.safetensors' },
      }),
      '0_Transformer/model-1.safetensors': randomBytes(4000),
      '0_Transformer/model-2.safetensors': randomBytes(4000),
    }
    const more = {
      'config.json': '{"x":1}',
      '0_Transformer/model-3.safetensors': 'x',
      '2_Dense/pytorch_model.bin': 'x',
      '1_Pooling/notes.txt': 'x',
    }
    hub.repositories[ID] = tiny({ files: { ...files, ...more } })
    expectWhole((await resolveModel(ID)).folder, files)
  })

  test.each<[string, RegExp, string, Record<string, string | Buffer | undefined>]>([
    [
      'only pickled weights',
      /only pickled weights \(pytorch_model\.bin\).*save_pretrained/s,
      'ERR_UNSAFE_MODEL',
      { 'model.safetensors': undefined },
    ],
    [
      'a Dense module only as pickle',
      /2_Dense\/pytorch_model\.bin/,
      'ERR_UNSAFE_MODEL',
      {
        'modules.json': '[{"path":"","type":"x.Transformer"},{"path":"2_Dense","type":"x.Dense"}]',
        '2_Dense/config.json': '{}',
        '2_Dense/pytorch_model.bin': 'x',
      },
    ],
    ['no weights but others', /model_fp16/, 'ERR_MODEL_UNSUPPORTED', { 'model.safetensors': undefined, 'pytorch_model.bin': undefined }],
    [
      'nothing but another format',
      /has no config\.json, .*The folder contains weights for GGUF \(m\.Q4\.gguf\).*exported from/,
      'ERR_MODEL_UNSUPPORTED',
      { ...Object.fromEntries(Object.keys({ ...NEEDED, ...UNNEEDED }).map((name) => [name, undefined])), 'm.Q4.gguf': 'x' },
    ],
    ['no tokenizer', /has no tokenizer\.json/, 'ERR_MODEL_FORMAT', { 'tokenizer.json': undefined, 'vocab.txt': undefined }],
    [
      'a shard that is not there',
      /model-9\.safetensors/,
      'ERR_MODEL_UNSUPPORTED',
      {
        'model.safetensors': undefined,
        'pytorch_model.bin': undefined,
        'model.safetensors.index.json': '{"weight_map":{"a":"model-9.safetensors"}}',
      },
    ],
  ])('%s is refused before anything large comes', async (_, message, code, changes) => {
    const files = Object.fromEntries(Object.entries({ ...NEEDED, ...UNNEEDED, ...changes }).filter(([, content]) => content !== undefined))
    hub.repositories[ID] = tiny({ files: files })
    const error = await refusal(ID)
    expect(error.code).toBe(code)
    expect(error.message).toMatch(message)
    expect(hub.count('cdn')).toBe(0)
    expect(fs.existsSync(snapshot())).toBe(false)
  })

  test('a token from each source goes to the hub and nowhere else', async () => {
    const file = path.join(home, 'elsewhere')
    fs.writeFileSync(file, 'hf_file\n')
    fs.writeFileSync(path.join(home, 'token'), 'hf_home\n')
    const uses = async (options: ResolveOptions = {}) => {
      fs.rmSync(path.join(home, 'hub'), { recursive: true, force: true })
      hub.requests.length = 0
      await resolveModel(ID, options)
      expect(hub.requests.some((request) => request.kind === 'cdn')).toBe(true)
      for (const { kind, authorization } of hub.requests.filter((request) => request.kind === 'cdn'))
        expect([kind, authorization]).toEqual(['cdn', undefined])
      return new Set(hub.requests.filter((request) => request.kind !== 'cdn').map((request) => request.authorization))
    }
    expect(await uses()).toEqual(new Set(['Bearer hf_home']))
    process.env.HF_TOKEN_PATH = file
    expect(await uses()).toEqual(new Set(['Bearer hf_file']))
    process.env.HF_TOKEN = ' hf_env '
    expect(await uses()).toEqual(new Set(['Bearer hf_env']))
    expect(await uses({ token: 'given' })).toEqual(new Set(['Bearer given']))

    const link = `<${hub.cdnUrl}/api/models/${ID}/tree/${COMMIT}>; rel="next"`
    faults((request) => request.kind === 'tree', { page: '[]', headers: { link } })
    await uses({ token: 'given' }).then((values) => expect(values).toEqual(new Set(['Bearer given', undefined])))
    expect(hub.requests.some(({ kind, host }) => kind === 'tree' && hub.cdnUrl.endsWith(host))).toBe(true)
    for (const { host, authorization } of hub.requests) expect(authorization).toBe(hub.url.endsWith(host) ? 'Bearer given' : undefined)
  })

  test.each<[string, () => string]>([
    ['cacheFolder', () => path.join(home, 'a')],
    ['HF_HUB_CACHE', () => (process.env.HF_HUB_CACHE = path.join(home, 'b'))],
    [
      'XDG_CACHE_HOME',
      () => ((process.env.XDG_CACHE_HOME = path.join(home, 'c')), delete process.env.HF_HOME, path.join(home, 'c/huggingface/hub')),
    ],
  ])('the cache named by %s', async (name, set) => {
    const folder = set()
    const found = await resolveModel(ID, name === 'cacheFolder' ? { cacheFolder: folder } : {})
    expect(found.folder).toBe(path.join(folder, 'models--acme--tiny/snapshots', COMMIT))
  })
})

describe('cache', () => {
  test('one request when online, none offline or for a commit; only what is missing is fetched', async () => {
    await resolveModel(ID)
    hub.requests.length = 0
    expect(await resolveModel(ID)).toMatchObject({ source: 'cache', commit: COMMIT })
    expect(hub.requests.map(({ kind }) => kind)).toEqual(['info'])
    hub.requests.length = 0
    expect(await resolveModel(ID, { offline: true })).toMatchObject({ source: 'cache', folder: snapshot() })
    process.env.HF_HUB_OFFLINE = '1'
    expect(await resolveModel(ID)).toMatchObject({ source: 'cache' })
    delete process.env.HF_HUB_OFFLINE
    expect(await resolveModel(ID, { revision: COMMIT })).toMatchObject({ source: 'cache' })
    expect(hub.requests).toEqual([])

    fs.rmSync(fs.realpathSync(path.join(snapshot(), 'tokenizer.json')))
    expect(await resolveModel(ID)).toMatchObject({ source: 'hub' })
    expect(hub.requests.filter(({ kind }) => kind === 'cdn' || kind === 'resolve').map(({ path }) => path)).toEqual([
      'tokenizer.json',
      'tokenizer.json',
    ])
  })

  test('a new commit shares the blobs that did not change', async () => {
    await resolveModel(ID)
    hub.requests.length = 0
    hub.repositories[ID]!.revisions.main = NEWER
    hub.repositories[ID]!.files['config.json'] = '{"model_type":"bert","new":1}'
    expect(await resolveModel(ID)).toMatchObject({ source: 'hub', commit: NEWER })
    expect(hub.count('resolve')).toBe(1)
    expect(fs.readFileSync(path.join(snapshot(NEWER), 'config.json'), 'utf8')).toContain('new')
  })

  test.each<[string, () => void | Promise<void>, ResolveOptions]>([
    ['does not run', () => hub.close(), {}],
    ['does not answer', () => faults((r) => r.kind === 'info', { stallAfter: -1 }), { connectTimeout: 200 }],
    ['is overloaded', () => faults((r) => r.kind === 'info', { status: 503 }), {}],
    ['does not know our token any more', () => faults((r) => r.kind === 'info', { status: 401 }), {}],
    ['is a login page', () => faults((r) => r.kind === 'info', { page: '<html>' }), {}],
    ['has an unknown name', () => void (process.env.HF_ENDPOINT = 'http://hub.invalid'), {}],
  ])('serves while the hub %s', async (_, spoil, options) => {
    await resolveModel(ID)
    await spoil()
    const start = Date.now()
    expect(await resolveModel(ID, options)).toMatchObject({ source: 'cache', folder: snapshot() })
    expect(Date.now() - start).toBeLessThan(5000)
  })

  test.each(['config.json', 'model.safetensors', '1_Pooling/config.json', 'modules.json', 'tokenizer.json'])(
    'is not used offline without %s',
    async (name) => {
      if (name === 'tokenizer.json') delete hub.repositories[ID]!.files['vocab.txt']
      await resolveModel(ID)
      fs.rmSync(path.join(snapshot(), name))
      const error = await refusal(ID, { offline: true })
      expect(error.code).toBe('ERR_MODEL_NOT_FOUND')
      expect(error.message).toContain(`${snapshot()} (incomplete: ${name} missing)`)
    },
  )

  test('tells a repository without modules.json from a cache without it', async () => {
    delete hub.repositories[ID]!.files['modules.json']
    await resolveModel(ID)
    expect(await resolveModel(ID, { offline: true })).toMatchObject({ source: 'cache' })
    fs.rmSync(path.join(repository(), '.no_exist'), { recursive: true })
    expect((await refusal(ID, { offline: true })).message).toMatch(/incomplete: modules\.json missing/)
  })

  test('a ref may be surrounded by white space', async () => {
    await resolveModel(ID)
    fs.writeFileSync(path.join(repository(), 'refs/main'), ` ${COMMIT}\r\n`)
    expect(await resolveModel(ID, { offline: true })).toMatchObject({ source: 'cache', commit: COMMIT })
  })

  test('a listing without modules.json says that there is none', async () => {
    delete hub.repositories[ID]!.files['modules.json']
    await resolveModel(ID)
    fs.rmSync(path.join(repository(), '.no_exist'), { recursive: true })
    const files = Object.entries(NEEDED).filter(([name]) => name !== 'modules.json' && !name.startsWith('1_Pooling'))
    const listing = files.map(([name, content]) => [name, { size: Buffer.from(content).length, blob_id: 'c'.repeat(40) }])
    fs.mkdirSync(path.join(repository(), 'trees'))
    fs.writeFileSync(
      path.join(repository(), `trees/${COMMIT}.json`),
      JSON.stringify({ format_version: 1, files: Object.fromEntries(listing) }),
    )
    expect(await resolveModel(ID, { offline: true })).toMatchObject({ source: 'cache' })
  })

  test('trusts the listing that Python left', async () => {
    await resolveModel(ID)
    const entry = (size: number) => ({ size, blob_id: 'c'.repeat(40) })
    const files = Object.fromEntries(Object.entries(NEEDED).map(([name, content]) => [name, entry(Buffer.from(content).length)]))
    const write = (more: object) =>
      fs.writeFileSync(path.join(repository(), `trees/${COMMIT}.json`), JSON.stringify({ format_version: 1, files: { ...files, ...more } }))
    fs.mkdirSync(path.join(repository(), 'trees'))
    write({})
    expect(await resolveModel(ID, { offline: true })).toMatchObject({ source: 'cache' })
    write({ 'added_tokens.json': entry(1) })
    expect((await refusal(ID, { offline: true })).message).toMatch(/incomplete: added_tokens\.json missing/)
    write({ 'model.safetensors': { ...entry(130), lfs_size: 300_001, lfs_sha256: 'd'.repeat(64) } })
    expect((await refusal(ID, { offline: true })).message).toMatch(/incomplete: model\.safetensors missing/)
  })

  test('works read-only', async () => {
    await resolveModel(ID)
    fs.rmSync(path.join(repository(), 'refs'), { recursive: true })
    fs.writeFileSync(path.join(repository(), 'refs'), 'a file where the folder of refs should be')
    expect(await resolveModel(ID)).toMatchObject({ source: 'cache' })
  })

  test('says where it looked when offline', async () => {
    const error = await refusal(ID, { offline: true })
    expect(error.code).toBe('ERR_MODEL_NOT_FOUND')
    for (const part of [path.resolve(ID), repository(), 'HF_HUB_OFFLINE']) expect(error.message).toContain(part)
    expect(hub.requests).toEqual([])
  })
})
