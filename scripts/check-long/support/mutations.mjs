// Changes to the files of a model or checkpoint folder, drawn from a seeded generator (scripts/support/random.mjs).
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'

/** Values that readers tend to confuse with others. */
const VALUES = [
  null,
  true,
  false,
  0,
  -0,
  -1,
  1,
  2,
  0.5,
  1e308,
  -1e308,
  5e-324,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  1e12,
  '',
  'x',
  'NaN',
  '../secret.txt',
  '/etc/hostname',
  'a\u0000b',
  '\ud800',
  'ä'.repeat(40_000),
  '(a+)+$',
  '(',
  '__proto__',
  'constructor',
  [],
  {},
  [[]],
  [null],
  [1, 2, 3],
  ['a', 'a'],
  { a: 1 },
  { $number: 'NaN' },
  { $regexp: ['(a+)+$', ''] },
]
const MANIFEST = 'sentorch-manifest.json'
const KEYS = ['__proto__', 'constructor', 'toString', 'length', '', 'x', '0']

const copyOf = (value) => (value === undefined ? null : JSON.parse(JSON.stringify(value)))

/** Every place in a JSON value, as a path of keys. */
function places(value, at = [], found = []) {
  if (typeof value !== 'object' || value === null || found.length > 5000) return found
  for (const key of Object.keys(value)) {
    found.push([...at, key])
    places(value[key], [...at, key], found)
  }
  return found
}

function holder(value, place) {
  for (const key of place.slice(0, -1)) value = value?.[key]
  return value
}

// Assignment to `__proto__` would change the prototype; a file's key is a property.
const put = (object, key, value) => Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })

function nested(depth, random) {
  let value = random.pick([1, 's', null])
  for (let i = 0; i < depth; i++) value = i % 2 ? [value] : { a: value }
  return value
}

/** Applies one change at a position of the value. */
function changePlace(value, all, random) {
  const place = random.pick(all)
  const object = holder(value, place)
  // An earlier change of the same case may have removed it.
  if (typeof object !== 'object' || object === null) return
  const key = place.at(-1)
  const old = object[key]
  const changes = [
    () => put(object, key, copyOf(random.pick(VALUES))),
    () => put(object, key, copyOf(random.pick(VALUES))),
    () => (Array.isArray(object) ? object.splice(Number(key), 1) : delete object[key]),
    () => put(object, key, copyOf(holder(value, random.pick(all)))),
    () => put(object, Array.isArray(object) ? String(object.length) : random.pick(KEYS), copyOf(random.pick(VALUES))),
    () => put(object, key, nested(random.pick([5, 50, 1000]), random)),
    () => {
      if (typeof old === 'number') put(object, key, random.pick([old + 1, old - 1, -old, old * 1000, old + 0.5]))
      else if (typeof old === 'string') put(object, key, old + random.pick(['x', '\u0000', '../', '\ud800', old]))
      else if (typeof old === 'boolean') put(object, key, !old)
    },
  ]
  random.pick(changes)()
}

export function changeJson(bytes, random) {
  let value
  try {
    value = JSON.parse(bytes)
  } catch {
    return changeBytes(bytes, random)
  }
  const all = places(value)
  // Positions near the top are few and important, so they get half of the changes.
  const top = all.filter((place) => place.length <= 2)
  for (let i = random.below(3); i >= 0; i--) changePlace(value, random.chance(0.5) ? top : all, random)
  const text = Buffer.from(JSON.stringify(value))
  return random.chance(0.1) ? changeBytes(text, random) : text
}

export function changeBytes(bytes, random) {
  for (let i = random.below(3); i >= 0; i--) {
    const at = random.below(bytes.length + 1)
    const end = Math.min(bytes.length, at + 1 + random.below(64))
    const flipped = () => {
      const copy = Buffer.from(bytes)
      if (at < copy.length) copy[at] ^= 1 << random.below(8)
      return copy
    }
    const inserted = Buffer.from(Array.from({ length: 1 + random.below(8) }, () => random.below(256)))
    const changes = [
      flipped,
      () => bytes.subarray(0, at),
      () => Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at)]),
      () => Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]),
      () => Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]),
      () => Buffer.concat([bytes, Buffer.alloc(1 + random.below(100))]),
    ]
    bytes = random.pick(changes)()
  }
  return bytes
}

/** The header as JSON, its length, the numbers, or any byte. */
export function changeSafetensors(bytes, random) {
  const length = Number(bytes.readBigUInt64LE(0))
  const [header, numbers] = [bytes.subarray(8, 8 + length), bytes.subarray(8 + length)]
  const joined = (text) => {
    const size = Buffer.alloc(8)
    size.writeBigUInt64LE(BigInt(text.length))
    return Buffer.concat([size, text, numbers])
  }
  const changes = [
    () => {
      const text = changeJson(header, random)
      return joined(Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8, ' ')]))
    },
    () => joined(changeBytes(header, random)),
    () => {
      const copy = Buffer.from(bytes)
      for (let i = 0; i < 8; i++) {
        const at = 8 + length + 4 * random.below(Math.max(1, Math.floor(numbers.length / 4)))
        if (at + 4 <= copy.length) copy.writeFloatLE(random.pick([NaN, Infinity, -Infinity, 3e38, -0, 1e-45]), at)
      }
      return copy
    },
    () => {
      const copy = Buffer.from(bytes)
      copy.writeBigUInt64LE(random.pick([0n, 1n, BigInt(bytes.length), 2n ** 31n, 2n ** 63n, 2n ** 64n - 1n]), 0)
      return copy
    },
    () => changeBytes(bytes, random),
  ]
  return random.pick(changes)()
}

function changeText(bytes, random) {
  const lines = bytes.toString().split('\n')
  const at = random.below(lines.length)
  const changes = [
    () => lines.splice(at, 1),
    () => lines.splice(at, 0, lines[random.below(lines.length)]),
    () => (lines[at] = random.pick(['', ' ', '\u0000', '[UNK]', 'x'.repeat(100_000), '\ud800'])),
    () => (lines.length = at),
  ]
  random.pick(changes)()
  return Buffer.from(lines.join('\n'))
}

/** Replaces a file by something that is not a file, or by a link. `outside`: a file outside the folder. */
function changeKind(folder, name, outside, random) {
  const file = path.join(folder, name)
  const bytes = fs.readFileSync(file)
  const others = fs.readdirSync(folder).filter((each) => fs.statSync(path.join(folder, each)).isFile())
  fs.rmSync(file)
  const changes = {
    removed: () => {},
    empty: () => fs.writeFileSync(file, ''),
    'a folder': () => fs.mkdirSync(file),
    'a FIFO': () => execFileSync('mkfifo', [file]),
    'a link out of the folder': () => fs.symlinkSync(random.chance(0.5) ? outside : path.relative(path.dirname(file), outside), file),
    'a dangling link': () => fs.symlinkSync('nowhere', file),
    'a link to itself': () => fs.symlinkSync(path.basename(file), file),
    'another file': () => fs.copyFileSync(path.join(folder, random.pick(others.filter((each) => each !== name)) ?? 'config.json'), file),
    'not readable as UTF-8': () => fs.writeFileSync(file, Buffer.concat([Buffer.from([0xff, 0xfe]), bytes])),
  }
  const what = random.pick(Object.keys(changes))
  changes[what]()
  return what
}

/** Changes one file of the folder. Returns its name and a description of the change. */
export function changeFolder(folder, outside, random) {
  const names = fs
    .readdirSync(folder, { recursive: true })
    .filter((name) => fs.statSync(path.join(folder, name)).isFile())
    .sort()
  const name = random.pick(names)
  if (random.chance(0.12)) return `${name}: ${changeKind(folder, name, outside, random)}`
  const bytes = fs.readFileSync(path.join(folder, name))
  const change = name.endsWith('.safetensors')
    ? changeSafetensors
    : name.endsWith('.json') && random.chance(0.85)
      ? changeJson
      : name.endsWith('.txt') && random.chance(0.7)
        ? changeText
        : changeBytes
  fs.writeFileSync(path.join(folder, name), change(bytes, random))
  // The hash would reject almost every change, and an attacker can write a matching one.
  if (random.chance(0.9)) sign(folder, name)
  return `${name}: ${change.name}`
}

/** Puts the size and the hash of a file as it is now into the folder's manifest, where it has one. */
function sign(folder, name) {
  const file = path.join(folder, MANIFEST)
  if (name === MANIFEST || !fs.existsSync(file)) return
  const manifest = JSON.parse(fs.readFileSync(file))
  const bytes = fs.readFileSync(path.join(folder, name))
  manifest.files[name.replaceAll(path.sep, '/')] = { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
  fs.writeFileSync(file, JSON.stringify(manifest))
}
