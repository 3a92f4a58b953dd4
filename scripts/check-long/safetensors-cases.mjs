/** Small safetensors files for comparing readers: most differ from a sound file in one or two places. */

const BITS = { BOOL: 8, U8: 8, I8: 8, F16: 16, BF16: 16, I32: 32, F32: 32, F64: 64, I64: 64, U64: 64, F8_E4M3: 8, F4: 4, C64: 64 }

const NAMES = ['a', 'b', 'layer.0.weight', 'é', '中', '😀', '', '__proto__', 'a b', '\u007f']

/** Spellings of a number that are not JSON integers, or not sizes. `n` is the number in digits. */
const NUMBER_FAULTS = [
  (n) => `${n}.0`,
  (n) => `${n}e0`,
  (n) => `${n}E+0`,
  (n) => `${n}.`,
  (n) => `0${n}`,
  (n) => `+${n}`,
  (n) => `-${n}`,
  (n) => `"${n}"`,
  (n) => `[${n}]`,
  () => '-0',
  () => '0e0',
  () => '0.0',
  () => '1e999',
  () => 'NaN',
  () => 'null',
  () => 'true',
  () => '0x2',
  () => '1_0',
  () => '9007199254740993',
  () => '18446744073709551615',
  () => '18446744073709551616',
]

const STRING_FAULTS = ['\\ud800', '\\udc00', '\\udc00\\ud800', '\\q', '\\u12', '\\u{61}', '\\x61', '\u0001', '\n', '\t', '\u0000', "'", '"']
const STRING_VARIANTS = ['\\ud83d\\ude00', '\\u00e9', '\\/', '\\n', '\\u0000', '\u2028', '\ufeff', '\u00a0', '\u007f']

const BLANKS = [' ', '\t', '\n', '\r', '\r\n', '   ']
const BLANK_FAULTS = ['\u00a0', '\ufeff', '\f', '\v', '\u2028', '\u0085', '\u0000', '\u3000', '\u200b', '/**/', '//\n', ',', ';', '{', '}']

/** A sound header's parts and the bytes of its data. */
function soundTensors(random) {
  const names = new Set(Array.from({ length: random.below(4) }, () => random.pick(NAMES)))
  let at = 0
  const tensors = [...names].map((name) => {
    const dtype = random.pick(Object.keys(BITS))
    const shape = Array.from({ length: random.below(4) }, () => random.below(4))
    if (BITS[dtype] < 8) shape.push(2)
    const begin = at
    at += (shape.reduce((product, size) => product * size, 1) * BITS[dtype]) / 8
    return { name, dtype, shape, offsets: [begin, at] }
  })
  return { tensors, bytes: at }
}

/** Writes JSON by hand, so that every number, string and gap can have a spelling of its own. */
function headerText(random, { tensors, bytes }) {
  // Most headers contain one fault or none.
  const fault = (share = 0.02) => random.chance(2 * share)
  const gap = () => {
    if (fault(0.004)) return random.pick(BLANK_FAULTS)
    return random.chance(0.05) ? random.pick(BLANKS) : ''
  }
  const text = (value) => {
    const inside = JSON.stringify(value).slice(1, -1)
    if (fault(0.006)) return `"${inside}${random.pick(STRING_FAULTS)}"`
    if (random.chance(0.02)) return `"${random.pick(STRING_VARIANTS)}${inside}"`
    return `"${inside}"`
  }
  const number = (value) => {
    if (fault(0.012)) return random.pick(NUMBER_FAULTS)(String(value))
    return String(fault(0.004) ? value + random.pick([-1, 1, 8, bytes]) : value)
  }
  const joined = (open, items, close) => {
    const last = items.length > 0 && fault(0.004) ? ',' : ''
    return `${open}${gap()}${items.map((item) => `${item}${gap()}`).join(`,${gap()}`)}${last}${close}`
  }
  const pair = (key, value) => `${text(key)}${gap()}:${gap()}${value}`
  const list = (values) => joined('[', values.map(number), ']')
  const tensor = ({ dtype, shape, offsets }) => {
    if (fault(0.01)) return random.pick(['null', '1', '[]', '"x"', `["${dtype}",${JSON.stringify(shape)},${JSON.stringify(offsets)}]`])
    const fields = [
      ['dtype', text(fault(0.01) ? random.pick(['f32', 'F128', '', 'constructor', 'F64']) : dtype)],
      ['shape', fault(0.01) ? random.pick(['null', '{}', '3', '"2"', '[[2]]', '[2,3]']) : list(shape)],
      ['data_offsets', fault(0.01) ? random.pick(['null', '[0]', '[0,0,0]', '{"0":0}', '[4,0]']) : list(offsets)],
    ].map(([key, value]) => pair(key, value))
    if (fault(0.01)) fields.splice(random.below(3), 1)
    if (fault(0.01)) fields.push(random.pick([...fields, '"stride":[1]', '"x":-0', '"x":"\\ud800"', '"Dtype":"F32"']))
    if (random.chance(0.2)) fields.reverse()
    return joined('{', fields, '}')
  }
  const entries = tensors.map((each) => pair(each.name, tensor(each)))
  if (random.chance(0.3)) {
    const metadata = [pair('format', fault(0.02) ? random.pick(['1', 'null', '{}', '[]', 'true']) : text('pt'))]
    if (random.chance(0.3)) metadata.push(pair(random.pick(NAMES), text(random.pick(NAMES))))
    entries.unshift(pair('__metadata__', fault(0.02) ? random.pick(['null', '[]', '"x"']) : joined('{', metadata, '}')))
  }
  if (fault() && entries.length > 0) entries.push(random.pick(entries))
  if (random.chance(0.2)) entries.reverse()
  const end = random.chance(0.3) ? random.pick([' ', '\n', '\t', '\r\n', ' '.repeat(100)]) : ''
  return `${joined('{', entries, '}')}${end}${fault() ? random.pick([...BLANK_FAULTS, '{}', 'null', '\ud800']) : ''}`
}

/** Changes, removes or inserts one byte, or duplicates a run of bytes. */
function damaged(random, bytes) {
  const at = random.below(bytes.length + 1)
  const until = Math.min(bytes.length, at + 1 + random.below(20))
  const before = bytes.subarray(0, at)
  switch (random.below(4)) {
    case 0: {
      const copy = Buffer.from(bytes)
      if (at < copy.length) copy[at] ^= 1 << random.below(8)
      return copy
    }
    case 1:
      return Buffer.concat([before, bytes.subarray(at + 1)])
    case 2:
      return Buffer.concat([before, Buffer.from([random.below(256)]), bytes.subarray(at)])
    default:
      return Buffer.concat([bytes.subarray(0, until), before.subarray(Math.max(0, at - 20)), bytes.subarray(until)])
  }
}

/** The next file. */
export function safetensorsCase(random) {
  const sound = soundTensors(random)
  let header = Buffer.from(headerText(random, sound), 'utf8')
  if (random.chance(0.1)) header = damaged(random, header)
  const data = sound.bytes + (random.chance(0.02) ? random.pick([-1, 1, 8]) : 0)
  let length = BigInt(header.length)
  if (random.chance(0.02)) length += random.pick([-1n, 1n, BigInt(data), 2n ** 32n, 2n ** 63n])
  const start = Buffer.alloc(8)
  start.writeBigUInt64LE(length < 0n ? 0n : length)
  return Buffer.concat([start, header, Buffer.alloc(Math.max(0, data))])
}
