import fs from 'node:fs'
import type { HeadSource, NativeModel, WriteRequest } from '../../binding'

/** The part of the native model that heads and saving need. It records requests and writes files whose numbers show their origin. */
export class FakeNative implements Pick<NativeModel, 'addHead' | 'removeHead' | 'extendHead' | 'write'> {
  readonly calls: unknown[][] = []
  readonly sources = new Map<string, HeadSource>()
  readonly written: WriteRequest[] = []
  /** Errors that the next calls of the method throw. */
  readonly failures = new Map<string, Error>()
  /** Runs within each write, before it ends. */
  onWrite: (() => void) | undefined

  async addHead(source: HeadSource): Promise<void> {
    this.calls.push(['addHead', source.name])
    this.sources.set(source.name, source)
    await this.#fail('addHead')
  }

  async removeHead(name: string): Promise<void> {
    this.calls.push(['removeHead', name])
    await this.#fail('removeHead')
  }

  async extendHead(name: string, count: number, seed: number): Promise<void> {
    this.calls.push(['extendHead', name, count, seed])
    await this.#fail('extendHead')
  }

  /** A parameter is written as the value that `valueFor` gives its name, over and over. */
  async write(request: WriteRequest): Promise<void> {
    this.calls.push(['write', request.path])
    this.written.push(request)
    await this.#fail('write')
    this.onWrite?.()
    const sizes = sizesIn(request.header)
    const parts = request.parts.map((part, i) =>
      'parameter' in part ? Buffer.from(new Float32Array(sizes[i]! / 4).fill(valueFor(part.parameter)).buffer) : bytesAt(part),
    )
    fs.writeFileSync(request.path, Buffer.concat([request.header, ...parts]), { flag: 'wx' })
  }

  async #fail(method: string): Promise<void> {
    await Promise.resolve()
    const failure = this.failures.get(method)
    if (failure) throw failure
  }
}

/** A number for a name, so that a file shows which parameter it holds. */
export function valueFor(parameter: string): number {
  return [...parameter].reduce((sum, c, i) => (sum + (i + 1) * c.charCodeAt(0)) % 9973, 0)
}

/** An error in the form that the addon throws. */
export function nativeError(code: string, message = code): Error {
  return Object.assign(new Error(message), { code })
}

/** Bytes of each tensor, in the order of the file. */
function sizesIn(header: Uint8Array): number[] {
  const entries = JSON.parse(Buffer.from(header).subarray(8).toString()) as Record<string, { data_offsets?: [number, number] }>
  return Object.values(entries).flatMap(({ data_offsets: at }) => (at ? [at[1] - at[0]] : []))
}

function bytesAt({ file, offset, bytes }: { file: string; offset: number; bytes: number }): Buffer {
  return fs.readFileSync(file).subarray(offset, offset + bytes)
}
