import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import type { SentorchError } from '../../lib/base/errors'
import { resolveModel, type ResolveOptions } from '../../lib/hub/hub'
import { HubServer, type Fault, type HostedRepository, type HubRequest } from './hub-server'

export const COMMIT = 'a'.repeat(40)
export const NEWER = 'b'.repeat(40)
export const ID = 'acme/tiny'
export const WEIGHTS = randomBytes(300_000)

export const NEEDED: Record<string, string | Buffer> = {
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
export const UNNEEDED = {
  'README.md': '# tiny',
  'pytorch_model.bin': randomBytes(5000),
  'onnx/model.onnx': randomBytes(5000),
  'openvino/openvino_model.bin': 'x',
  'tf_model.h5': 'x',
  'model_fp16.safetensors': randomBytes(2000),
  'train_script.py': 'x',
  '3_Other/config.json': '{}',
}
export const tiny = (more: Partial<HostedRepository> = {}): HostedRepository => ({
  revisions: { main: COMMIT, 'v1.0': COMMIT, 'refs/pr/1': NEWER },
  files: { ...NEEDED, ...UNNEEDED },
  ...more,
})

const VARIABLES = /^(HF_|HUGGING|TRANSFORMERS_OFFLINE|XDG_CACHE_HOME|https?_proxy|no_proxy)/i
const environment = { ...process.env }
export let home: string
export let hub: HubServer

/** A hub on loopback and an empty HF_HOME for each test of the file, with nothing from the environment. */
export function useHub(): void {
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
}

export const repository = () => path.join(home, 'hub', 'models--acme--tiny')
export const snapshot = (commit = COMMIT) => path.join(repository(), 'snapshots', commit)
export const blobs = () => fs.readdirSync(path.join(repository(), 'blobs'))

/** The error that resolving ends with. */
export async function refusal(where: string, options?: ResolveOptions): Promise<SentorchError> {
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

/** The snapshot shows these files with these contents, no others, and nothing unfinished lies in the cache. */
export function expectWhole(folder: string, files = NEEDED): void {
  expect(tree(folder)).toEqual(Object.keys(files).sort())
  for (const [name, content] of Object.entries(files))
    expect(fs.readFileSync(path.join(folder, name)).equals(Buffer.from(content))).toBe(true)
  expect(blobs().filter((name) => !/^[0-9a-f]{40}$|^[0-9a-f]{64}$/.test(name))).toEqual([])
}

/** Faults for the first requests that match, in order. */
export function faults(match: (request: HubRequest) => boolean, ...list: Fault[]): void {
  hub.fault = (request) => (match(request) ? list.shift() : undefined)
}
export const weights = (request: HubRequest) => request.kind === 'cdn' && request.path === 'model.safetensors'
