import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { Embeddings } from '../../lib/encode/embeddings'
import type { Precision, VectorOf } from '../../lib/encode/quantize'
import type { EmbeddingsSource } from '../../lib/encode/source'
import { fakeSystem } from '../support/fake-system'
import { scratch } from '../support/scratch'

jest.mock('../../lib/native/addon', () => ({ loadAddon: () => fakeSystem }))

let folder: string
beforeEach(() => {
  folder = scratch()
})
const at = (name: string) => path.join(folder, name)

const SOURCE: EmbeddingsSource = {
  ...{ model: 'a'.repeat(32), fingerprint: 'b'.repeat(32), dtype: 'bfloat16', precision: 'float32' },
  prompt: 'Frage "ü" 🙂: ',
}
const VECTORS: Record<Precision, VectorOf<Precision>> = {
  float32: Float32Array.of(0.1, NaN, -Infinity, 1 / 3, -0, 3e-42),
  int8: Int8Array.of(-128, 127, 0, -1, 1, 5),
  uint8: Uint8Array.of(0, 255, 1, 2, 3, 4),
  binary: Int8Array.of(-128, 127, 0, -1, 1, 5),
  ubinary: Uint8Array.of(0, 255, 1, 2, 3, 4),
}
const cases = Object.entries(VECTORS) as [Precision, VectorOf<Precision>][]
const bytesOf = ({ buffer, byteOffset, byteLength }: VectorOf<Precision>) => Buffer.from(buffer, byteOffset, byteLength)

test.each(cases)('what was saved is loaded, bit for bit: %s', async (precision, data) => {
  const source = { ...SOURCE, precision }
  for (const [name, from] of [
    ['v.npy', undefined],
    ['v.safetensors', source],
    ['V.SAFETENSORS', undefined],
  ] as const) {
    await new Embeddings(data, 3, name === 'v.npy' ? source : from).save(at(name))
    const loaded = await Embeddings.load(at(name), { precision })
    expect([loaded.length, loaded.dimension]).toEqual([2, 3])
    expect(loaded.data.constructor.name).toBe(data.constructor.name)
    expect(bytesOf(loaded.data)).toEqual(bytesOf(data))
    expect(loaded.source).toEqual(from)
    expect(loaded.fingerprint).toBe(from?.fingerprint)
  }
})

test('no rows, one row of a view, and a file that is replaced', async () => {
  const whole = new Embeddings(Float32Array.of(1, 2, 3, 4, 5, 6), 2)
  for (const name of ['v.npy', 'v.safetensors']) {
    for (const data of [new Float32Array(), whole.data.subarray(2, 4), whole.data]) {
      await new Embeddings(data, 2).save(at(name))
      expect((await Embeddings.load(at(name))).data).toEqual(data)
    }
  }
  expect(fs.readdirSync(folder).sort()).toEqual(['v.npy', 'v.safetensors'])
})

test('a file whose folder does not exist, or that is a folder, is not written', async () => {
  fs.mkdirSync(at('v.npy'))
  for (const name of ['no/v.npy', 'v.npy']) {
    await expect(new Embeddings(Float32Array.of(1), 1).save(at(name))).rejects.toMatchObject({ code: 'ERR_FILE' })
  }
  expect(fs.readdirSync(folder)).toEqual(['v.npy'])
})

test.each<unknown>(['v.json', 'v', '', 3, 'a\0.npy'])('refuses the name %p', async (name) => {
  const code = 'ERR_INVALID_ARGUMENT'
  await expect(new Embeddings(Float32Array.of(1), 1).save(name as string)).rejects.toMatchObject({ code })
  await expect(Embeddings.load(name as string)).rejects.toMatchObject({ code })
})

const npy = (header: string, data: Uint8Array = new Uint8Array(), version = 1) => {
  const length = version === 1 ? Buffer.alloc(2) : Buffer.alloc(4)
  if (version === 1) length.writeUInt16LE(header.length)
  else length.writeUInt32LE(header.length)
  return Buffer.concat([Buffer.from(`\x93NUMPY`, 'latin1'), Buffer.of(version, 0), length, Buffer.from(header, 'latin1'), data])
}
const header = (descr: string, shape: string, order = 'False') => `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': (${shape}), }\n`

describe('.npy of other programs', () => {
  test.each([1, 2, 3])('version %i', async (version) => {
    fs.writeFileSync(at('v.npy'), npy(header("'<f4'", '1, 2'), bytesOf(Float32Array.of(1.5, -2)), version))
    expect((await Embeddings.load(at('v.npy'))).toArray()).toEqual([[1.5, -2]])
  })

  test.each<[string, Buffer, string]>([
    ['float64', npy(header("'<f8'", '1, 2'), Buffer.alloc(16)), "astype('float32')"],
    ['big-endian', npy(header("'>f4'", '1, 2'), Buffer.alloc(8)), '>f4'],
    ['a structured type', npy(header("[('a', '<f4')]", '1, 1'), Buffer.alloc(4)), 'structured'],
    ['Fortran order', npy(header("'<f4'", '2, 2', 'True'), Buffer.alloc(16)), 'ascontiguousarray'],
    ['one axis', npy(header("'<f4'", '2,'), Buffer.alloc(8)), '(rows, dimension)'],
    ['no numbers in a row', npy(header("'<f4'", '2, 0')), '(rows, dimension)'],
    ['sizes beyond any file', npy(header("'<f4'", '9007199254740991, 9007199254740991')), '(rows, dimension)'],
    ['a missing byte', npy(header("'<f4'", '1, 2'), Buffer.alloc(7)), 'need 8 bytes, but 7'],
    ['a byte too many', npy(header("'<f4'", '1, 2'), Buffer.alloc(9)), 'need 8 bytes, but 9'],
    ['a cut header', npy(header("'<f4'", '1, 2')).subarray(0, 30), 'header'],
    ['an empty file', Buffer.alloc(0), 'NumPy'],
    ['another format', Buffer.from('{"a": [1, 2, 3]}'), 'NumPy'],
    ['int8 where float32 is expected', npy(header("'|i1'", '1, 2'), Buffer.alloc(2)), "pass precision: 'int8'"],
  ])('refuses %s', async (_, content, named) => {
    fs.writeFileSync(at('v.npy'), content)
    const message = expect.stringContaining(named) as string
    await expect(Embeddings.load(at('v.npy'))).rejects.toMatchObject({ code: 'ERR_FILE', message })
    await expect(Embeddings.load(at('v.npy'))).rejects.toThrow(`Cannot read the vectors in ${at('v.npy')}: `)
  })
})

const safetensors = (entries: object, data: Uint8Array) => {
  const json = JSON.stringify(entries)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(json.length))
  return Buffer.concat([length, Buffer.from(json), data])
}
const tensor = (dtype: string, shape: number[], bytes: number, from = 0) => ({ dtype, shape, data_offsets: [from, from + bytes] })

describe('.safetensors of other programs', () => {
  test('one tensor of any name, or the one named embeddings', async () => {
    const data = bytesOf(Float32Array.of(1.5, -2))
    fs.writeFileSync(at('v.safetensors'), safetensors({ x: tensor('F32', [1, 2], 8) }, data))
    expect((await Embeddings.load(at('v.safetensors'))).toArray()).toEqual([[1.5, -2]])
    const two = { ids: tensor('I64', [1], 8), embeddings: tensor('F32', [2, 1], 8, 8) }
    fs.writeFileSync(at('v.safetensors'), safetensors(two, Buffer.concat([Buffer.alloc(8), data])))
    expect((await Embeddings.load(at('v.safetensors'))).toArray()).toEqual([[1.5], [-2]])
  })

  test.each<[string, Buffer, string]>([
    ['float64', safetensors({ x: tensor('F64', [1, 1], 8) }, Buffer.alloc(8)), 'F64'],
    ['one axis', safetensors({ x: tensor('F32', [2], 8) }, Buffer.alloc(8)), '[rows, dimension]'],
    ['two tensors', safetensors({ x: tensor('U8', [1, 1], 1), y: tensor('U8', [1, 1], 1, 1) }, Buffer.alloc(2)), 'contains 2'],
    ['a missing byte', safetensors({ x: tensor('F32', [1, 2], 8) }, Buffer.alloc(7)), 'Cannot read the vectors'],
    ['an empty file', Buffer.alloc(0), 'is empty'],
  ])('refuses %s', async (_, content, named) => {
    fs.writeFileSync(at('v.safetensors'), content)
    const message = expect.stringContaining(named) as string
    await expect(Embeddings.load(at('v.safetensors'))).rejects.toMatchObject({ code: 'ERR_FILE', message })
  })

  test('a file that does not exist, and a folder', async () => {
    const message = expect.stringContaining('the file does not exist') as string
    await expect(Embeddings.load(at('v.npy'))).rejects.toMatchObject({ code: 'ERR_FILE', message })
    fs.mkdirSync(at('d.npy'))
    await expect(Embeddings.load(at('d.npy'))).rejects.toMatchObject({ code: 'ERR_FILE' })
  })
})

const python = process.env.SENTORCH_TEST_PYTHON
const ifPython = python ? test : test.skip

ifPython('numpy and safetensors read what was saved, and what they write is loaded', async () => {
  const data = Float32Array.of(0.1, -2, 3e-30, 1 / 3, 16777216, -0.7)
  await new Embeddings(data, 3, SOURCE).save(at('a.npy'))
  await new Embeddings(data, 3, SOURCE).save(at('a.safetensors'))
  await new Embeddings(VECTORS.int8 as Int8Array, 3).save(at('i.safetensors'))
  const script = `
import json, numpy, sys
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
folder = sys.argv[1]
a = numpy.load(folder + '/a.npy')
b = load_file(folder + '/a.safetensors')['embeddings']
i = load_file(folder + '/i.safetensors')['embeddings']
metadata = safe_open(folder + '/a.safetensors', 'np').metadata()
numpy.save(folder + '/b.npy', a * 2)
numpy.save(folder + '/f.npy', numpy.asfortranarray(a))
numpy.save(folder + '/d.npy', a.astype('float64'))
save_file({'vectors': b * 2}, folder + '/b.safetensors')
print(json.dumps({'a': a.tolist(), 'b': b.tolist(), 'i': i.tolist(), 'metadata': metadata}))
`
  const { stdout, stderr } = spawnSync(python!, ['-c', script, folder], { encoding: 'utf8' })
  expect(stderr).toBe('')
  const rows = new Embeddings(data, 3).toArray()
  expect(JSON.parse(stdout)).toEqual({
    a: rows,
    b: rows,
    i: [
      [-128, 127, 0],
      [-1, 1, 5],
    ],
    metadata: SOURCE,
  })
  for (const name of ['b.npy', 'b.safetensors']) expect((await Embeddings.load(at(name))).data).toEqual(data.map((x) => x * 2))
  await expect(Embeddings.load(at('f.npy'))).rejects.toThrow('Fortran order')
  await expect(Embeddings.load(at('d.npy'))).rejects.toThrow('<f8')
})
