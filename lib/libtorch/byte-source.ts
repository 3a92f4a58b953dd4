import { open, type FileHandle } from 'node:fs/promises'
import { RandomAccessReader } from 'yauzl'

/** A file that is read at any place: on this disk, or on a server. */
export interface ByteSource {
  readonly bytes: number
  /** Fills the buffer from `position` on; rejects where the file ends before. */
  read(buffer: Buffer, position: number): Promise<void>
}

export class LocalFile implements ByteSource {
  private constructor(
    private readonly file: FileHandle,
    readonly bytes: number,
  ) {}

  static async open(path: string): Promise<LocalFile> {
    const file = await open(path, 'r')
    return new LocalFile(file, (await file.stat()).size)
  }

  async read(buffer: Buffer, position: number): Promise<void> {
    const { bytesRead } = await this.file.read(buffer, 0, buffer.length, position)
    if (bytesRead !== buffer.length) throw new Error('the file is cut short')
  }

  async close(): Promise<void> {
    await this.file.close()
  }
}

/**
 * yauzl's view of a source, for walking the directory of an archive. Members are not read through it:
 * several of yauzl's streams side by side, one of them given up, end in an error that nobody can catch.
 */
export class ArchiveView extends RandomAccessReader {
  constructor(private readonly source: ByteSource) {
    super()
  }

  override read(buffer: Buffer, offset: number, length: number, position: number, callback: (error: Error | null) => void): void {
    this.source.read(buffer.subarray(offset, offset + length), position).then(
      () => callback(null),
      (error: Error) => callback(error),
    )
  }
}
