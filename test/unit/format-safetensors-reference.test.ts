import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readSafetensorsHeader } from '../../lib/format/safetensors'
import { scratch } from '../support/scratch'

/** Files with the reference reader's verdicts; `scripts/check-long/safetensors.mjs` compares many more, and writes these. */
const golden = JSON.parse(readFileSync(join(__dirname, '../golden/safetensors.json'), 'utf8')) as {
  cases: { reference: boolean; file: string }[]
}

test('whatever is accepted, the reference reader accepts too', async () => {
  const path = join(scratch(), 'm.safetensors')
  let accepted = 0
  for (const { reference, file } of golden.cases) {
    writeFileSync(path, Buffer.from(file, 'base64'))
    const outcome = await readSafetensorsHeader(path).then(
      () => 'accepted',
      (error: { code: string }) => error.code,
    )
    if (!reference || outcome !== 'accepted') {
      expect({ outcome, bytes: Buffer.from(file, 'base64').toString('latin1') }).toMatchObject({ outcome: 'ERR_MODEL_FORMAT' })
    }
    if (outcome === 'accepted') accepted++
  }
  expect(accepted).toBeGreaterThan(golden.cases.length / 10)
})
