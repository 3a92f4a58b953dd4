// Ends while the model's thread is at the beginning of one request that lasts for half a minute, and says when. usage: exits-in-long-work.cjs FOLDER exit|reallyExit
'use strict'
const { writeSync } = require('node:fs')
const { openSurface, modelBefore } = require('../../support/native-surface.cjs')

async function main() {
  const surface = await openSurface(process.argv[2])
  const model = await modelBefore(surface, 1)
  const rows = 400_000
  const request = {
    ...surface.steps[1][1][0],
    ids: new Int32Array(rows * 32).fill(5),
    offsets: Int32Array.from({ length: rows + 1 }, (_, i) => i * 32),
  }
  model.encode(request).catch(() => {})
  await new Promise((resolve) => setTimeout(resolve, 100))
  writeSync(1, String(Date.now()))
  process[process.argv[3]](7)
}
void main()
