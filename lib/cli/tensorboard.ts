import { appendFileSync, mkdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { Writer } from 'protobufjs/minimal'
import type { MetricsLine, MetricsSink } from './metrics-file'

/**
 * Writes the numbers of a run as a TensorBoard event file: records of tensorflow's `Event` with one `Summary` each. The tags are
 * `train/…` (means of steps), `epoch/…` and `eval/…`.
 */
export function tensorboardFile(folder: string): MetricsSink {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `events.out.tfevents.${Math.floor(Date.now() / 1000)}.${hostname()}.${process.pid}`)
  appendFileSync(path, recordOf(versionEvent()))
  return (line) => {
    const scalars = scalarsOf(line)
    if (scalars.length > 0 && 'step' in line) appendFileSync(path, recordOf(summaryEvent(line.step, scalars)))
  }
}

type Scalar = readonly [tag: string, value: number]

/** The numbers of a line that have a curve. */
export function scalarsOf(line: MetricsLine): Scalar[] {
  const byHead = (prefix: string, values: Readonly<Record<string, number>>): Scalar[] =>
    Object.entries(values).map(([name, value]) => [`${prefix}/${name}`, value])
  switch (line.type) {
    case 'steps':
      return [
        ['train/loss', line.loss],
        ['train/gradient norm', line.gradientNorm],
        ...byHead('train/loss', line.losses),
        ...byHead('train/learning rate', line.learningRates),
      ]
    case 'epoch':
      return [
        ['epoch/loss', line.loss],
        ...byHead('epoch/loss', line.losses),
        ...Object.entries(line.metrics).map(([name, { accuracy }]): Scalar => [`epoch/accuracy/${name}`, accuracy]),
      ]
    case 'evaluation':
      return [
        ...(line.loss === undefined ? [] : [['eval/loss', line.loss] as const]),
        ['eval/score', line.score],
        ...(line.frameAccuracy === undefined ? [] : [['eval/frame accuracy', line.frameAccuracy] as const]),
        ...Object.entries(line.metrics).flatMap(([name, metrics]) => numbersOf(`eval/${name}`, metrics)),
        ...byHead('eval', line.custom),
      ]
    case 'start':
    case 'end':
      return []
  }
}

function numbersOf(prefix: string, values: object): Scalar[] {
  return Object.entries(values).flatMap(([key, value]: [string, unknown]): Scalar[] => {
    if (typeof value === 'number') return [[`${prefix}/${key}`, value]]
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? numbersOf(`${prefix}/${key}`, value) : []
  })
}

/** The number of a field and its wire type, as a protobuf tag: 0 varint, 1 eight bytes, 2 bytes with their length, 5 four bytes. */
const tag = (field: number, wire: 0 | 1 | 2 | 5): number => (field << 3) | wire

/** `Event { double wall_time = 1; string file_version = 3 }` */
function versionEvent(): Uint8Array {
  return event().uint32(tag(3, 2)).string('brain.Event:2').finish()
}

/** `Event { int64 step = 2; Summary summary = 5 }`, `Summary { repeated Value value = 1 }`, `Value { string tag = 1; float simple_value = 2 }` */
function summaryEvent(step: number, scalars: readonly Scalar[]): Uint8Array {
  const writer = event().uint32(tag(2, 0)).int64(step).uint32(tag(5, 2)).fork()
  for (const [name, value] of scalars) {
    writer.uint32(tag(1, 2)).fork().uint32(tag(1, 2)).string(name).uint32(tag(2, 5)).float(value).ldelim()
  }
  return writer.ldelim().finish()
}

function event(): Writer {
  return Writer.create()
    .uint32(tag(1, 1))
    .double(Date.now() / 1000)
}

/** A TFRecord: length (64 bits) and its checksum, data and its checksum. */
function recordOf(data: Uint8Array): Buffer {
  const record = Buffer.alloc(data.length + 16)
  record.writeBigUInt64LE(BigInt(data.length), 0)
  record.writeUInt32LE(maskedCrc(record.subarray(0, 8)), 8)
  record.set(data, 12)
  record.writeUInt32LE(maskedCrc(data), 12 + data.length)
  return record
}

/** CRC-32C (Castagnoli), reflected. */
const POLYNOMIAL = 0x82f63b78
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0)
  return crc
})

/** The checksum as the format stores it: rotated and shifted, so that the checksum of data with checksums stays useful. */
function maskedCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ byte) & 0xff]!
  crc = ~crc >>> 0
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}
