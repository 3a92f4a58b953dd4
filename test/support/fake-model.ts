import fs from 'node:fs'
import path from 'node:path'
import type { NativeModel } from '../../binding'
import { SerialQueue, type LoadedModel } from '../../lib/model/loaded-model'
import { openFolder } from '../../lib/format/folder'
import { Heads } from '../../lib/heads/heads'
import { FakeNative } from './fake-native'

/** A model from a folder as far as heads and saving go: no tokenizer, no libtorch. */
export async function fakeModel(folder: string): Promise<{ parts: LoadedModel; native: FakeNative }> {
  const native = new FakeNative()
  const opened = await openFolder(folder)
  const parts = {
    native: native as unknown as NativeModel,
    folder: opened,
    trainer: undefined,
    trained: false,
    saves: new SerialQueue(),
  } as LoadedModel
  const heads = new Heads({
    native,
    modules: opened.modules,
    config: opened.config,
    training: () => parts.trainer !== undefined,
    closeIdleTrainer() {},
  })
  await heads.restore(opened.heads, opened.files)
  return { parts: Object.assign(parts, { heads }), native }
}

export interface ReadTensor {
  dtype: string
  shape: number[]
  /** latin1, which compares and prints faster than a Buffer. */
  bytes: string
}

/** Every tensor of a safetensors file with its bytes; an oracle apart from the reader under test. */
export function readTensors(folder: string, name = 'model.safetensors'): Map<string, ReadTensor> {
  const file = fs.readFileSync(path.join(folder, name))
  const end = 8 + Number(file.readBigUInt64LE())
  const header = JSON.parse(file.subarray(8, end).toString()) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >
  const tensors = Object.entries(header).filter(([key]) => key !== '__metadata__')
  return new Map(
    tensors.map(
      ([
        key,
        {
          dtype,
          shape,
          data_offsets: [from, to],
        },
      ]) => [key, { dtype, shape, bytes: file.toString('latin1', end + from, end + to) }],
    ),
  )
}

export function readJsonFile<T = Record<string, unknown>>(folder: string, name: string): T {
  return JSON.parse(fs.readFileSync(path.join(folder, name), 'utf8')) as T
}

/** Every file below a folder, by its path with '/', sorted. */
export function filesIn(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .sort()
}
