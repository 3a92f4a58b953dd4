import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as os from 'node:os'
import * as path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { SentorchError } from '../../lib/errors'
import { resolveModel, type ResolveOptions } from '../../lib/hub'
import type { LoadProgress } from '../../lib/options'
import { HubServer, sha256, type Fault, type HostedRepository, type HubRequest } from '../support/hub-server'

const COMMIT = 'a'.repeat(40)
const NEWER = 'b'.repeat(40)
const ID = 'acme/tiny'
const WEIGHTS = randomBytes(300_000)

const NEEDED: Record<string, string | Buffer> = {
  'config.json': '{"model_type":"bert"}',
  'model.safetensors': WEIGHTS,
  'modules.json': JSON.stringify([
    { idx: 0, name: '0', path: '', type: 'sentence_transformers.models.Transformer' },
    { idx: 1, name: '1', path: '1_Pooling', type: 'sentence_transformers.models.Pooling' },
    { idx: 2, name: '2', path: '2_Normalize', type: 'sentence_transformers.models.Normalize' },
  ]),
  '1_Pooling/config.json': '{"pooling_mode_mean_tokens":true}',
  'sentence_bert_config.json': '{"max_seq_length":64}',
  'config_sentence_transformers.json': '{"prompts":{}}',
  'tokenizer.json': JSON.stringify({ model: 'x'.repeat(2000) }),
  'tokenizer_config.json': '{}',
  'special_tokens_map.json': '{"pad_token":"[PAD]"}',
  'vocab.txt': '[PAD]\n',
}
const UNNEEDED = {
  'README.md': '# tiny',
  'pytorch_model.bin': randomBytes(5000),
  'onnx/model.onnx': randomBytes(5000),
  'openvino/openvino_model.bin': 'x',
  'tf_model.h5': 'x',
  'model_fp16.safetensors': randomBytes(2000),
  'train_script.py': 'x',
  '3_Other/config.json': '{}',
}
const tiny = (more: Partial<HostedRepository> = {}): HostedRepository => ({
  revisions: { main: COMMIT, 'v1.0': COMMIT, 'refs/pr/1': NEWER },
  files: { ...NEEDED, ...UNNEEDED },
  ...more,
})

const VARIABLES = /^(HF_|HUGGING|TRANSFORMERS_OFFLINE|XDG_CACHE_HOME|https?_proxy|no_proxy)/i
const environment = { ...process.env }
let home: string
let hub: HubServer

beforeEach(async () => {
  for (const name of Object.keys(process.env)) if (VARIABLES.test(name)) delete process.env[name]
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'sentorch-hub-'))
  hub = await new HubServer({ [ID]: tiny(), 'sentence-transformers/tiny': tiny(), 'distilbert-base-uncased/x': tiny() }).start()
  process.env.HF_HOME = home
  process.env.HF_ENDPOINT = hub.url
})
afterEach(async () => {
  await hub.close()
  fs.rmSync(home, { recursive: true, force: true })
  for (const name of Object.keys(process.env)) if (VARIABLES.test(name)) delete process.env[name]
  Object.assign(process.env, environment)
})

const repository = () => path.join(home, 'hub', 'models--acme--tiny')
const snapshot = (commit = COMMIT) => path.join(repository(), 'snapshots', commit)
const blobs = () => fs.readdirSync(path.join(repository(), 'blobs'))

async function refusal(where: string, options?: ResolveOptions): Promise<SentorchError> {
  const error = await resolveModel(where, options).then(
    (found) => expect(found).toBe('a rejection'),
    (error: unknown) => error as SentorchError,
  )
  expect(error).toMatchObject({ name: 'SentorchError' })
  return error!
}

function tree(folder: string): string[] {
  const names = fs.readdirSync(folder, { recursive: true }) as string[]
  return names.filter((name) => fs.statSync(path.join(folder, name)).isFile()).sort()
}

function expectWhole(folder: string, files = NEEDED): void {
  expect(tree(folder)).toEqual(Object.keys(files).sort())
  for (const [name, content] of Object.entries(files))
    expect(fs.readFileSync(path.join(folder, name)).equals(Buffer.from(content))).toBe(true)
  expect(blobs().filter((name) => !/^[0-9a-f]{40}$|^[0-9a-f]{64}$/.test(name))).toEqual([])
}

/** Faults for the first requests that match, in order. */
function faults(match: (request: HubRequest) => boolean, ...list: Fault[]): void {
  hub.fault = (request) => (match(request) ? list.shift() : undefined)
}
const weights = (request: HubRequest) => request.kind === 'cdn' && request.path === 'model.safetensors'

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

  test('says what a path may have meant', async () => {
    expect((await refusal(`./${ID}`)).message).toMatch(/write 'acme\/tiny'/)
    fs.writeFileSync(path.join(home, 'file'), '')
    expect((await refusal(path.join(home, 'file'))).message).toMatch(/a file, not a folder.*Give the folder/)
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
      'weights only as pickle',
      /only as pickle \(pytorch_model\.bin\).*save_pretrained/s,
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
    ['no tokenizer', /lacks tokenizer\.json/, 'ERR_MODEL_FORMAT', { 'tokenizer.json': undefined, 'vocab.txt': undefined }],
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
    hub.repositories[ID] = tiny({ files: files as HostedRepository['files'] })
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
      expect(error.message).toContain(`${snapshot()} (not complete: lacks ${name})`)
    },
  )

  test('tells a repository without modules.json from a cache without it', async () => {
    delete hub.repositories[ID]!.files['modules.json']
    await resolveModel(ID)
    expect(await resolveModel(ID, { offline: true })).toMatchObject({ source: 'cache' })
    fs.rmSync(path.join(repository(), '.no_exist'), { recursive: true })
    expect((await refusal(ID, { offline: true })).message).toMatch(/lacks modules\.json/)
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
    expect((await refusal(ID, { offline: true })).message).toMatch(/lacks added_tokens\.json/)
    write({ 'model.safetensors': { ...entry(130), lfs_size: 300_001, lfs_sha256: 'd'.repeat(64) } })
    expect((await refusal(ID, { offline: true })).message).toMatch(/lacks model\.safetensors/)
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

describe('broken transfers', () => {
  test.each<[string, Fault[], string[]]>([
    ['broken off: goes on where it stopped', [{ breakAfter: 100_000 }, { breakAfter: 50_000 }], ['bytes=100000-', 'bytes=150000-']],
    ['silent: goes on where it stopped', [{ stallAfter: 70_000 }], ['bytes=70000-']],
    ['a server without ranges: starts again', [{ breakAfter: 100_000 }, { ignoreRange: true }], ['bytes=100000-']],
    ['one wrong byte: starts again', [{ corrupt: true }], ['undefined']],
    ['wrong start, then broken off: starts again', [{ corrupt: true, breakAfter: 9000 }], ['bytes=9000-', 'undefined']],
    ['overloaded', [{ status: 503 }, { status: 429, headers: { 'retry-after': '0' } }], ['undefined', 'undefined']],
  ])('%s', async (_, list, ranges) => {
    process.env.HF_HUB_DOWNLOAD_TIMEOUT = '0.5'
    faults(weights, ...list)
    expectWhole((await resolveModel(ID)).folder)
    expect(hub.requests.filter(weights).map(({ range }) => String(range))).toEqual(['undefined', ...ranges])
  })

  test('content that stays wrong is refused and not kept', async () => {
    hub.fault = (request) => (weights(request) ? { corrupt: true } : undefined)
    const error = await refusal(ID)
    expect(error.code).toBe('ERR_DOWNLOAD')
    expect(error.message).toContain(sha256(WEIGHTS))
    expect(fs.existsSync(snapshot())).toBe(false)
    expect(fs.existsSync(path.join(repository(), 'refs/main'))).toBe(false)
    expect(blobs().filter((name) => name.startsWith(sha256(WEIGHTS)))).toEqual([])
  })

  test('an abort leaves nothing that looks whole, and the next call goes on', async () => {
    const controller = new AbortController()
    faults(weights, { stallAfter: 200_000 })
    const reason = new Error('enough')
    const refused = refusal(ID, { signal: controller.signal })
    while (!hub.requests.some(weights)) await setTimeout(10)
    await setTimeout(200)
    controller.abort(reason)
    const error = await refused
    expect(error).toMatchObject({ code: 'ERR_ABORTED', cause: reason })
    expect(fs.existsSync(snapshot())).toBe(false)
    const name = blobs().find((name) => name.startsWith(sha256(WEIGHTS)))!
    expect(name).toMatch(/\.incomplete$/)
    const { size } = fs.statSync(path.join(repository(), 'blobs', name))
    expect(size).toBeGreaterThan(0)
    hub.requests.length = 0
    expectWhole((await resolveModel(ID)).folder)
    expect(hub.requests.filter(weights).map(({ range }) => range)).toEqual([`bytes=${size}-`])
  })

  test('aborted before, and while waiting to ask again', async () => {
    expect(await refusal(ID, { signal: AbortSignal.abort() })).toMatchObject({ code: 'ERR_ABORTED' })
    expect(hub.requests).toEqual([])
    hub.fault = () => ({ status: 429, headers: { 'retry-after': '30' } })
    expect(await refusal(ID, { signal: AbortSignal.timeout(200) })).toMatchObject({ code: 'ERR_ABORTED' })
  })

  test('does not touch what another process is writing', async () => {
    const theirs = `${path.join(repository(), 'blobs', sha256(WEIGHTS))}.0badcafe.incomplete`
    fs.mkdirSync(path.dirname(theirs), { recursive: true })
    fs.writeFileSync(theirs, WEIGHTS.subarray(0, 1000))
    await resolveModel(ID)
    expect(fs.readFileSync(theirs).length).toBe(1000)
    expect(hub.requests.filter(weights).map(({ range }) => range)).toEqual([undefined])
  })

  test('many at once end with one whole copy', async () => {
    const found = await Promise.all(Array.from({ length: 6 }, () => resolveModel(ID)))
    expect(new Set(found.map(({ folder }) => folder)).size).toBe(1)
    expectWhole(snapshot())
  })

  test("an error of the caller's onProgress comes out as it is", async () => {
    const mine = new Error('mine')
    await expect(resolveModel(ID, { onProgress: () => { throw mine } })).rejects.toBe(mine) // prettier-ignore
  })
})

describe('refusals of the hub', () => {
  test.each<[string, string, RegExp, () => void, ResolveOptions]>([
    ['an unknown repository', 'ERR_MODEL_NOT_FOUND', /Check the id, and set HF_TOKEN/, () => delete hub.repositories[ID], {}],
    [
      'a private one with a bad token',
      'ERR_MODEL_NOT_FOUND',
      /the token in use/,
      () => (hub.repositories[ID]!.token = 'hf_right'),
      { token: 'hf_wrong' },
    ],
    ['a gated one', 'ERR_DOWNLOAD', /accept the model's terms.*HF_TOKEN/s, () => (hub.repositories[ID]!.gated = true), {}],
    ['an unknown revision', 'ERR_MODEL_NOT_FOUND', /no revision 'v9'/, () => undefined, { revision: 'v9' }],
    ['silence', 'ERR_DOWNLOAD', /no answer within 0\.2 s/, () => faults(() => true, { stallAfter: -1 }), { connectTimeout: 200 }],
    ['an unknown host', 'ERR_DOWNLOAD', /ENOTFOUND|EAI_AGAIN.*HTTPS_PROXY/s, () => (process.env.HF_ENDPOINT = 'http://hub.invalid'), {}],
    ['a login page', 'ERR_DOWNLOAD', /no JSON/, () => (hub.fault = () => ({ page: '<html>' })), {}],
    ['null', 'ERR_DOWNLOAD', /like no hub/, () => (hub.fault = () => ({ page: 'null' })), {}],
    ['a bad endpoint', 'ERR_DOWNLOAD', /HF_ENDPOINT/, () => (process.env.HF_ENDPOINT = 'hub'), {}],
    ['a bad proxy', 'ERR_DOWNLOAD', /HTTPS_PROXY/, () => (process.env.HTTP_PROXY = 'http://'), {}],
    [
      'a cache that is no folder',
      'ERR_DOWNLOAD',
      /HF_HOME or the option cacheFolder/,
      () => fs.writeFileSync(path.join(home, 'hub'), ''),
      {},
    ],
  ])('%s', async (_, code, message, spoil, options) => {
    spoil()
    const error = await refusal(ID, options)
    expect(error.code).toBe(code)
    expect(error.message).toMatch(message)
    expect(error.message).not.toContain('hf_wrong')
  })

  test('asks again as the hub wishes, and succeeds', async () => {
    faults(
      (request) => request.kind === 'info',
      { status: 429, headers: { 'retry-after': '0' } },
      { status: 503, headers: { ratelimit: '"api";r=0;t=0' } },
    )
    expect(await resolveModel(ID)).toMatchObject({ source: 'hub' })
    expect(hub.count('info')).toBe(3)
  })
})

test('HTTP_PROXY and NO_PROXY are honoured', async () => {
  const tunnels: string[] = []
  const proxy = createServer().on('connect', (request, socket) => {
    tunnels.push(request.url!)
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
  })
  proxy.on('request', (request, response) => {
    tunnels.push(request.url!)
    response.writeHead(403).end()
  })
  await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done))
  try {
    process.env.HTTP_PROXY = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    expect(await refusal(ID)).toMatchObject({ code: 'ERR_DOWNLOAD' })
    expect(tunnels.length).toBeGreaterThan(0)
    expect(hub.requests).toEqual([])
    process.env.NO_PROXY = '127.0.0.1'
    expect(await resolveModel(ID)).toMatchObject({ source: 'hub' })
  } finally {
    proxy.closeAllConnections()
    await new Promise((done) => proxy.close(done))
  }
})
