import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { Writable } from 'node:stream'
import { openWriter, outputFormat } from '../../lib/cli/output'
import { Embeddings } from '../../lib/encode/embeddings'
import type { Precision, VectorOf } from '../../lib/encode/quantize'
import type { VectorWriter } from '../../lib/encode/vector-file'
import { StagedFile } from '../../lib/files/staged-file'
import { sweep } from '../../lib/files/staging'
import { fakeSystem } from '../support/fake-system'
import { scratch } from '../support/scratch'

jest.mock('../../lib/native/addon', () => ({ loadAddon: () => fakeSystem }))

let folder: string
beforeEach(() => {
  folder = scratch()
})

const PRECISIONS: [Precision, Embeddings<VectorOf<Precision>>, string, string][] = [
  ['float32', new Embeddings(Float32Array.of(0.1, -2, 3e-30, 1 / 3, 16777216, -0.7), 2), '<f4', 'F32'],
  ['int8', new Embeddings(Int8Array.of(-128, 127, 0, -1, 1, 5), 2), '|i1', 'I8'],
  ['uint8', new Embeddings(Uint8Array.of(0, 255, 1, 2, 3, 4), 2), '|u1', 'U8'],
  ['binary', new Embeddings(Int8Array.of(-128, 127, 0, -1, 1, 5), 2), '|i1', 'I8'],
  ['ubinary', new Embeddings(Uint8Array.of(0, 255, 1, 2, 3, 4), 2), '|u1', 'U8'],
]

function openFile(name: string, precision: Precision, dimension = 2): Promise<VectorWriter> {
  return openWriter(path.join(folder, name), outputFormat(name)!, { dimension, precision }, process.stdout)
}

/** In two batches, the second of which lies inside a larger buffer. */
async function writeAll(writer: VectorWriter, rows: Embeddings<VectorOf<Precision>>): Promise<void> {
  await writer.write(new Embeddings(rows.data.slice(0, 2), 2))
  await writer.write(new Embeddings(rows.data.subarray(2), 2))
  await writer.finish()
}

function bytesOf(data: Float32Array | Int8Array | Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength)
}

const read = (name: string): Buffer => fs.readFileSync(path.join(folder, name))

test.each(PRECISIONS)('.npy at %s', async (precision, rows, type) => {
  await writeAll(await openFile('v.npy', precision), rows)
  const file = read('v.npy')
  expect(file.subarray(0, 8).toString('latin1')).toBe('\x93NUMPY\x01\x00')
  expect((10 + file.readUInt16LE(8)) % 64).toBe(0)
  const header = file.toString('latin1', 10, 10 + file.readUInt16LE(8))
  expect(header).toMatch(/^\{'descr': '(.*)', 'fortran_order': False, 'shape': \(3, 2\), \} +\n$/)
  expect(header).toContain(`'descr': '${type}'`)
  expect(file.subarray(10 + header.length)).toEqual(bytesOf(rows.data))
})

test.each(PRECISIONS)('.safetensors at %s', async (precision, rows, _, dtype) => {
  await writeAll(await openFile('v.safetensors', precision), rows)
  const file = read('v.safetensors')
  const length = Number(file.readBigUInt64LE(0))
  expect(length % 8).toBe(0)
  expect(JSON.parse(file.toString('latin1', 8, 8 + length))).toEqual({
    __metadata__: { precision },
    embeddings: { dtype, shape: [3, 2], data_offsets: [0, rows.data.byteLength] },
  })
  expect(file.subarray(8 + length)).toEqual(bytesOf(rows.data))
})

test.each(PRECISIONS)('.jsonl at %s gives every number back', async (precision, rows) => {
  await writeAll(await openFile('v.jsonl', precision), rows)
  const lines = read('v.jsonl').toString().split('\n')
  expect(lines.pop()).toBe('')
  const numbers = lines.map((line) => JSON.parse(line) as number[])
  expect(numbers.map((row) => row.length)).toEqual([2, 2, 2])
  expect((rows.data.constructor as Float32ArrayConstructor).from(numbers.flat())).toEqual(rows.data)
})

test('.jsonl gives random float32 back, bit for bit', async () => {
  const data = Float32Array.from({ length: 4000 }, () => (Math.random() - 0.5) * 10 ** (Math.random() * 60 - 30))
  const writer = await openFile('v.jsonl', 'float32', 4000)
  await writer.write(new Embeddings(data, 4000))
  await writer.finish()
  expect(Float32Array.from(JSON.parse(read('v.jsonl').toString()) as number[])).toEqual(data)
})

test.each([
  ['v.npy', "'shape': (0, 2)"],
  ['v.safetensors', '"shape":[0,2],"data_offsets":[0,0]'],
  ['v.jsonl', ''],
])('no rows in %s', async (name, expected) => {
  await (await openFile(name, 'float32')).finish()
  expect(read(name).toString('latin1')).toContain(expected)
})

// `.ci/run` names a python that has numpy, so there the test runs; elsewhere the machine's own may lack it.
const named = process.env.SENTORCH_TEST_PYTHON
const python = named ?? 'python3'
const hasNumpy = named !== undefined || spawnSync(python, ['-c', 'import numpy']).status === 0
const title = `numpy reads .npy${hasNumpy ? '' : ' (skipped: python3 has no numpy; SENTORCH_TEST_PYTHON names another python)'}`
;(hasNumpy ? test : test.skip)(title, async () => {
  await writeAll(await openFile('v.npy', 'float32'), PRECISIONS[0]![1])
  const script = 'import numpy, sys; print(numpy.load(sys.argv[1], mmap_mode="r").tolist())'
  const { stdout } = spawnSync(python, ['-c', script, path.join(folder, 'v.npy')], { encoding: 'utf8' })
  expect(JSON.parse(stdout)).toEqual(PRECISIONS[0]![1].toArray())
})

describe.each(['v.npy', 'v.safetensors', 'v.jsonl'])('%s', (name) => {
  test('appears only when it is finished', async () => {
    const writer = await openFile(name, 'float32')
    await writer.write(PRECISIONS[0]![1])
    const [temporary, ...others] = fs.readdirSync(folder)
    expect(others).toEqual([])
    expect(temporary).toMatch(/^\.v\..*\.tmp$/)
    // Whoever opens what a killed process left does not take it for a whole file.
    if (name !== 'v.jsonl') expect(read(temporary!).subarray(0, 16)).toEqual(Buffer.alloc(16))
    await writer.finish()
    expect(fs.readdirSync(folder)).toEqual([name])
  })

  test('leaves nothing when it is discarded, and keeps what was there', async () => {
    fs.writeFileSync(path.join(folder, name), 'before')
    const writer = await openFile(name, 'float32')
    await writer.write(PRECISIONS[0]![1])
    await writer.discard()
    expect(fs.readdirSync(folder)).toEqual([name])
    expect(read(name).toString()).toBe('before')
  })

  test('replaces what was there', async () => {
    fs.writeFileSync(path.join(folder, name), 'x'.repeat(10_000))
    await writeAll(await openFile(name, 'float32'), PRECISIONS[0]![1])
    expect(read(name).length).toBeLessThan(1000)
  })

  test('a symbolic link stays one', async () => {
    fs.mkdirSync(path.join(folder, 'far'))
    fs.writeFileSync(path.join(folder, 'far', name), 'before')
    fs.symlinkSync(path.join('far', name), path.join(folder, name))
    await (await openFile(name, 'float32')).finish()
    expect(fs.lstatSync(path.join(folder, name)).isSymbolicLink()).toBe(true)
    expect(fs.readFileSync(path.join(folder, 'far', name), 'utf8')).not.toBe('before')
  })

  test('a target that cannot be is refused', async () => {
    fs.mkdirSync(path.join(folder, name))
    await expect(openFile(name, 'float32')).rejects.toMatchObject({
      code: 'ERR_FILE',
      message: expect.stringContaining('folder'),
    })
    await expect(openFile(path.join('none', name), 'float32')).rejects.toThrow('Its folder does not exist')
    fs.symlinkSync('/dev/null', path.join(folder, `device-${name}`))
    await expect(openFile(`device-${name}`, 'float32')).rejects.toThrow('not a regular file')
  })
})

test('a process that exits in the middle leaves no file', async () => {
  const file = await StagedFile.create(path.join(folder, 'x'))
  await file.write(Buffer.from('half'))
  expect(fs.readdirSync(folder)).toHaveLength(1)
  for (const listener of process.listeners('exit')) listener(0)
  expect(fs.readdirSync(folder)).toEqual([])
  await file.discard()
})

test('what a killed process has left is swept by the next that writes the file, what a living one writes is not', async () => {
  fs.writeFileSync(path.join(folder, '.x.0123abcd.tmp'), 'half')
  const files = [await StagedFile.create(path.join(folder, 'x')), await StagedFile.create(path.join(folder, 'x'))]
  expect(fs.readdirSync(folder)).toHaveLength(2)
  expect(fs.readdirSync(folder)).not.toContain('.x.0123abcd.tmp')
  for (const file of files) await file.commit()
  expect(fs.readdirSync(folder)).toEqual(['x'])
})

test('a file that took its name is committed, whatever fails then', async () => {
  const file = await StagedFile.create(path.join(folder, 'x'))
  const open = jest.spyOn(fs.promises, 'open').mockRejectedValue(new Error('EMFILE: too many open files'))
  await file.commit().finally(() => open.mockRestore())
  expect(fs.readdirSync(folder)).toEqual(['x'])
})

test('a file is never without its lock before it has its name', async () => {
  const { open } = fs.promises
  const spy = jest.spyOn(fs.promises, 'open').mockImplementationOnce(async (...args) => {
    const handle = await open(...args)
    const { close } = handle
    handle.close = async () => {
      await close()
      await sweep(path.join(folder, 'x'))
    }
    return handle
  })
  const file = await StagedFile.create(path.join(folder, 'x'))
  await file.commit().finally(() => spy.mockRestore())
  expect(fs.readdirSync(folder)).toEqual(['x'])
})

test('writeStart goes over the start and appending goes on at the end', async () => {
  const file = await StagedFile.create(path.join(folder, 'x'))
  await file.write(Buffer.from('abcdef'))
  await file.writeStart(Buffer.from('XY'))
  await file.write(Buffer.from('gh'))
  await file.commit()
  expect(read('x').toString()).toBe('XYcdefgh')
})

test('stdout waits for a slow reader and passes its failure on', async () => {
  const written: string[] = []
  let fail = false
  const stdout = new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      setTimeout(() => {
        written.push(chunk)
        done(fail ? Object.assign(new Error('broken pipe'), { code: 'EPIPE' }) : null)
      }, 5)
    },
  })
  stdout.on('error', () => {})
  const writer = await openWriter('-', '.jsonl', { dimension: 2, precision: 'int8' }, stdout)
  await writer.write(new Embeddings(Int8Array.of(1, -2, 3, 4), 2))
  expect(written).toEqual(['[1,-2]\n[3,4]\n'])
  fail = true
  await expect(writer.write(new Embeddings(Int8Array.of(1, -2), 2))).rejects.toMatchObject({ code: 'EPIPE' })
})

test.each([
  ['-', '.jsonl'],
  ['a.NPY', '.npy'],
  ['a.safetensors', '.safetensors'],
  ['a.json', undefined],
  ['npy', undefined],
])('the format of %s is %p', (name, format) => {
  expect(outputFormat(name)).toBe(format)
})
