import { execFileSync } from 'node:child_process'
import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readSafetensorsHeader } from '../../lib/format/safetensors'
import { safetensors, type Lies, type TensorSpec } from '../support/safetensors'
import { scratch } from '../support/scratch'

const folder = scratch()
const PAIR: Record<string, TensorSpec> = { a: { shape: [2, 3] }, b: { shape: [4] } }

function write(name: string, bytes: string | Buffer): string {
  const file = join(folder, name)
  writeFileSync(file, bytes)
  return file
}

type Entries = Record<string, { dtype: string; shape: number[]; data_offsets: number[] }>
const changed = (change: (entries: Entries) => void): Lies => ({
  header: (entries) => {
    change(entries as Entries)
    return entries
  },
})
const headerOf = (text: string): Lies => ({ header: text })
const tensorB = '"b":{"dtype":"F32","shape":[4],"data_offsets":[24,40]}'
const tensorA = '"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}'

describe('refused, naming the file, the tensor and the reason', () => {
  test.each<[string, string | Buffer, string]>([
    ['an empty file', '', 'm.safetensors: it is empty'],
    ['shorter than a length', 'abc', 'm.safetensors: it ends after 3 bytes'],
    ['truncated in the header', safetensors(PAIR, { cutAt: 30 }), 'but the file at 30: it is truncated'],
    ['truncated in the data', safetensors(PAIR).subarray(0, -1), 'tensor b: it ends at byte 40 of the data, but the file has 39'],
    ['header longer than the file', safetensors(PAIR, { headerLength: 99_999_999n }), 'its header ends at byte 100000007'],
    ['header over the limit', safetensors(PAIR, { headerLength: 100_000_001n }), 'the limit is 100000000'],
    ['header length beyond any number', safetensors(PAIR, { headerLength: 2n ** 64n - 1n }), 'the limit is 100000000'],
    ['header of no bytes', safetensors({}, { header: '' }), "it does not begin with '{'"],
    ['header not JSON', safetensors(PAIR, headerOf('{"a":')), 'it is not JSON'],
    ['header with a trailing comma', safetensors(PAIR, headerOf(`{${tensorA},${tensorB},}`)), 'it is not JSON'],
    ['header with a comment', safetensors(PAIR, headerOf(`{${tensorA},/**/${tensorB}}`)), 'it is not JSON'],
    ['header with something behind it', safetensors(PAIR, headerOf(`{${tensorA},${tensorB}} x`)), 'it is not JSON'],
    ['header a list', safetensors({}, headerOf('[]')), "it does not begin with '{'"],
    ['header not UTF-8', safetensors({}, { header: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]) }), 'it is not UTF-8'],
    ['deep nesting', safetensors({}, headerOf(`{"a":${'['.repeat(100_000)}`)), 'it is nested deeper'],
    ['white space without end', safetensors({}, headerOf(`{${' '.repeat(100_000)}}`)), 'more than 4096 consecutive blanks'],
    ['a shape without end', safetensors({}, headerOf(`{"a":{"shape":[${'1,'.repeat(1000)}1]}}`)), 'an array has more than'],
    ['duplicate key', safetensors(PAIR, headerOf(`{${tensorA},${tensorB},${tensorA}}`)), 'the key "a" occurs twice'],
    ['duplicate key, escaped', safetensors(PAIR, headerOf(`{${tensorA},${tensorB},${tensorA.replace('"a"', '"\\u0061"')}}`)), 'twice'],
    ['duplicate dtype', safetensors(PAIR, headerOf(`{${tensorA.replace('}', ',"dtype":"F16"}')},${tensorB}}`)), '"dtype" occurs twice'],
    [
      'overlap',
      safetensors(
        PAIR,
        changed((e) => (e.b!.data_offsets = [20, 36])),
      ),
      'tensor b: its bytes overlap those of a',
    ],
    [
      'the same place twice',
      safetensors(
        { a: { shape: [2] }, b: { shape: [2] } },
        changed((e) => (e.b!.data_offsets = [0, 8])),
      ),
      'overlap',
    ],
    [
      'hole',
      safetensors(PAIR, { ...changed((e) => (e.b!.data_offsets = [28, 44])), trailing: 4 }),
      'tensor b: it is preceded by 4 unused bytes',
    ],
    [
      'hole at the front',
      safetensors({ a: { shape: [1] } }, { ...changed((e) => (e.a!.data_offsets = [4, 8])), trailing: 4 }),
      'preceded by 4 unused',
    ],
    ['trailing bytes', safetensors(PAIR, { trailing: 1 }), 'm.safetensors: 1 bytes at its end belong to no tensor'],
    ['data without tensors', safetensors({}, { trailing: 8 }), '8 bytes at its end'],
    [
      'shape overflow',
      safetensors(
        PAIR,
        changed((e) => (e.b!.shape = [2 ** 40, 2 ** 40])),
      ),
      'tensor b: its shape [1099511627776, 1099511627776] overflows',
    ],
    [
      'shape that wraps to the right size',
      safetensors(
        PAIR,
        changed((e) => (e.b!.shape = [2 ** 32, 2 ** 32, 4])),
      ),
      'overflows',
    ],
    [
      'overflow hidden by a zero',
      safetensors(
        { a: { shape: [0] } },
        changed((e) => (e.a!.shape = [0, 2 ** 40, 2 ** 40])),
      ),
      'overflows',
    ],
    [
      'shape and place disagree',
      safetensors(
        PAIR,
        changed((e) => (e.b!.shape = [5])),
      ),
      'tensor b: its shape [5] of F32 needs 20 bytes, but data_offsets span 16',
    ],
    [
      'negative size',
      safetensors(
        PAIR,
        changed((e) => (e.b!.shape = [-4])),
      ),
      'tensor b: its shape is not a list of sizes',
    ],
    [
      'fraction',
      safetensors(
        PAIR,
        changed((e) => (e.b!.shape = [4.5])),
      ),
      'its shape is not',
    ],
    ['size 1e999', safetensors(PAIR, headerOf(`{${tensorA},${tensorB.replace('[4]', '[1e999]')}}`)), 'its shape is not'],
    [
      'size beyond whole numbers',
      safetensors(PAIR, headerOf(`{${tensorA},${tensorB.replace('[4]', '[9007199254740993]')}}`)),
      'its shape is not',
    ],
    [
      'offsets reversed',
      safetensors(
        PAIR,
        changed((e) => (e.b!.data_offsets = [40, 24])),
      ),
      'before it begins at 40',
    ],
    [
      'negative offset',
      safetensors(
        PAIR,
        changed((e) => (e.b!.data_offsets = [-8, 8])),
      ),
      'its data_offsets are not two positions',
    ],
    [
      'three offsets',
      safetensors(
        PAIR,
        changed((e) => (e.b!.data_offsets = [24, 32, 40])),
      ),
      'its data_offsets are not two positions',
    ],
    [
      'unknown dtype',
      safetensors(
        PAIR,
        changed((e) => (e.b!.dtype = 'F128')),
      ),
      'tensor b: its dtype F128 is unknown',
    ],
    [
      'dtype that every object has',
      safetensors(
        PAIR,
        changed((e) => (e.b!.dtype = 'constructor')),
      ),
      'its dtype constructor is unknown',
    ],
    [
      'no dtype',
      safetensors(
        PAIR,
        changed((e) => delete (e.b as Partial<Entries[string]>).dtype),
      ),
      'its dtype undefined is unknown',
    ],
    [
      'unknown key of a tensor',
      safetensors(
        PAIR,
        changed((e) => Object.assign(e.b!, { stride: [1] })),
      ),
      'an unknown key stride',
    ],
    ...['4.0', '4e0', '4E+0', '-0', '0.4e1', '04', '+4', '4.', '0x4', 'true', '18446744073709551616'].map(
      (size): [string, Buffer, string] => [
        `the size ${size}`,
        safetensors(PAIR, headerOf(`{${tensorA},${tensorB.replace('[4]', `[${size}]`)}}`)),
        '',
      ],
    ),
    [
      'the position -0',
      safetensors(PAIR, headerOf(`{${tensorA.replace('[0,', '[-0,')},${tensorB}}`)),
      'its data_offsets are not two positions',
    ],
    ['half of a surrogate pair in a name', safetensors({}, headerOf('{"\\ud800":{}}')), 'half of a surrogate pair'],
    ['half of a surrogate pair in a value', safetensors({}, headerOf('{"__metadata__":{"x":"\\udc00"}}')), 'half of a surrogate pair'],
    ['half of a surrogate pair in a key', safetensors({}, headerOf('{"__metadata__":{"\\udc00":"x"}}')), 'half of a surrogate pair'],
    ...['\u00a0', '\ufeff', '\f', '\v', '\u2028', '\0'].flatMap((blank): [string, Buffer, string][] => [
      [`${JSON.stringify(blank)} after the header`, safetensors(PAIR, headerOf(`{${tensorA},${tensorB}}${blank}`)), 'it is not JSON'],
      [`${JSON.stringify(blank)} inside the header`, safetensors(PAIR, headerOf(`{${tensorA},${blank}${tensorB}}`)), 'it is not JSON'],
    ]),
    ['a number for a tensor', safetensors({}, headerOf('{"a":1}')), 'tensor a: its entry is not an object'],
    ['metadata that is no text', safetensors({}, headerOf('{"__metadata__":{"x":1}}')), 'the value of x in __metadata__ is not a string'],
    ['metadata that is no object', safetensors({}, headerOf('{"__metadata__":"x"}')), '__metadata__ is not an object'],
    [
      'a Git LFS pointer',
      'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n',
      "Run 'git lfs install' and 'git lfs pull'",
    ],
    ['a name with control characters', safetensors({}, headerOf('{"a\\u0007\\n":1}')), 'tensor "a\\u0007\\n"'],
  ])('%s', async (_name, bytes, reason) => {
    const read = readSafetensorsHeader(write('m.safetensors', bytes))
    await expect(read).rejects.toMatchObject({ code: 'ERR_MODEL_FORMAT', message: expect.stringContaining(reason) })
    await expect(read).rejects.toMatchObject({ message: expect.stringContaining('m.safetensors') })
  })

  test('a FIFO, without waiting for its writer', async () => {
    const fifo = join(folder, 'fifo')
    execFileSync('mkfifo', [fifo])
    await expect(readSafetensorsHeader(fifo)).rejects.toMatchObject({
      code: 'ERR_UNSAFE_MODEL',
      message: 'fifo is a FIFO, not a regular file.',
    })
  })

  test.each([
    ['a folder', folder],
    ['a device', '/dev/null'],
  ])('%s', async (kind, path) => {
    await expect(readSafetensorsHeader(path)).rejects.toMatchObject({ code: 'ERR_UNSAFE_MODEL', message: expect.stringContaining(kind) })
  })

  test('a header that lies about gigabytes allocates none of them', async () => {
    const file = write('sparse.safetensors', safetensors(PAIR, { headerLength: 100_000_001n }))
    truncateSync(file, 8e9)
    const before = process.memoryUsage().rss
    await expect(readSafetensorsHeader(file)).rejects.toMatchObject({ code: 'ERR_MODEL_FORMAT' })
    expect(process.memoryUsage().rss - before).toBeLessThan(90e6)
  })
})

describe('read', () => {
  test('places are counted from the start of the file', async () => {
    const bytes = safetensors(PAIR)
    const { tensors, metadata } = await readSafetensorsHeader(write('good.safetensors', bytes))
    const data = bytes.length - 40
    expect(tensors).toEqual(
      new Map([
        ['a', { dtype: 'F32', shape: [2, 3], offset: data, bytes: 24 }],
        ['b', { dtype: 'F32', shape: [4], offset: data + 24, bytes: 16 }],
      ]),
    )
    expect(metadata).toEqual(new Map([['format', 'pt']]))
  })

  test.each<[string, Buffer, string[]]>([
    ['no tensor', safetensors({}), []],
    ['a scalar', safetensors({ a: { shape: [] } }), ['a']],
    ['sixteen dimensions', safetensors({ a: { shape: Array<number>(16).fill(1) } }), ['a']],
    ['empty tensors at one place', safetensors({ a: { shape: [0, 4] }, b: { shape: [2] }, c: { shape: [0] } }), ['a', 'b', 'c']],
    [
      'a name that every object has',
      safetensors({}, headerOf('{"__proto__":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}')),
      ['__proto__'],
    ],
    ['header padded with blanks', safetensors(PAIR, headerOf(`{${tensorA},${tensorB}}${' '.repeat(10_000)}`)), ['a', 'b']],
    ['white space of JSON', safetensors(PAIR, headerOf(`{\t${tensorA}\n,\r\n ${tensorB} }\r\n\t `)), ['a', 'b']],
    [
      'a whole surrogate pair, escaped',
      safetensors({}, headerOf('{"\\ud83d\\ude00":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}')),
      ['😀'],
    ],
    ['another order than in the data', safetensors(PAIR, headerOf(`{${tensorB},${tensorA}}`)), ['b', 'a']],
    [
      'every size of type',
      safetensors({ a: { dtype: 'BOOL', shape: [3] }, b: { dtype: 'BF16', shape: [5] }, c: { dtype: 'I64', shape: [1] } }),
      ['a', 'b', 'c'],
    ],
  ])('%s', async (_name, bytes, names) => {
    const { tensors } = await readSafetensorsHeader(write('good.safetensors', bytes))
    expect([...tensors.keys()]).toEqual(names)
  })

  /** Bits of a number, as the format defines them: eight numbers take as many bytes. */
  const BITS: Record<number, string[]> = {
    4: ['F4'],
    6: ['F6_E2M3', 'F6_E3M2'],
    8: ['BOOL', 'U8', 'I8', 'F8_E5M2', 'F8_E4M3', 'F8_E8M0', 'F8_E4M3FNUZ', 'F8_E5M2FNUZ'],
    16: ['I16', 'U16', 'F16', 'BF16'],
    32: ['I32', 'U32', 'F32'],
    64: ['F64', 'I64', 'U64', 'C64'],
  }
  test.each(Object.entries(BITS).flatMap(([bits, dtypes]) => dtypes.map((dtype) => [Number(bits), dtype] as const)))(
    '%i bits a number of %s, and not a byte more or less',
    async (bits, dtype) => {
      const sized = (bytes: number) => safetensors({}, { header: `{"a":${JSON.stringify({ dtype, shape: [8], data_offsets: [0, bytes] })}}`, trailing: bytes }) // prettier-ignore
      const { tensors } = await readSafetensorsHeader(write('sized.safetensors', sized(bits)))
      expect(tensors.get('a')).toMatchObject({ dtype, shape: [8], bytes: bits })
      for (const bytes of [bits - 1, bits + 1])
        await expect(readSafetensorsHeader(write('sized.safetensors', sized(bytes)))).rejects.toMatchObject({ code: 'ERR_MODEL_FORMAT' })
    },
  )

  test('a changed or lost byte of a header is an error of ours or another header, never a crash', async () => {
    const bytes = safetensors(PAIR)
    for (let i = 0; i < bytes.length - 40; i++) {
      for (const change of [0x00, 0x22, 0x39, 0xff]) {
        const other = Buffer.from(bytes)
        other[i] = change
        const outcome = await readSafetensorsHeader(write('fuzz.safetensors', other)).catch((error: { code: string }) => error.code)
        if (typeof outcome === 'string') expect(outcome).toBe('ERR_MODEL_FORMAT')
      }
    }
  })
})
