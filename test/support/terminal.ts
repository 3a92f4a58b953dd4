import { Writable } from 'node:stream'

/** A terminal that keeps what is written. */
export function terminal() {
  const written: string[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk.toString())
      done()
    },
  })
  return { written, stream: Object.assign(stream, { isTTY: true, columns: 120, cursorTo() {}, clearLine() {}, moveCursor() {} }) }
}

/** Twice the time after which a bar that was not stopped draws itself again. */
export const redrawn = () => new Promise((resolve) => setTimeout(resolve, 250))
