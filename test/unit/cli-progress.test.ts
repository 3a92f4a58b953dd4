import { downloadMeter, encodeMeter } from '../../lib/cli/meters'
import { redrawn, terminal } from '../support/terminal'

test('a new file takes the bar of the one before away, and stop the last', async () => {
  const { written, stream } = terminal()
  const meter = downloadMeter(stream)
  meter.update({ stage: 'load', file: 'other', loaded: 1, total: 2 })
  expect(written).toEqual([])
  meter.update({ stage: 'download', file: 'first', loaded: 1, total: 4 })
  meter.update({ stage: 'download', file: 'first', loaded: 4, total: 4 })
  expect(written.join('')).toContain('first')
  meter.update({ stage: 'download', file: 'second', loaded: 1, total: 4 })
  written.length = 0
  meter.update({ stage: 'download', file: 'second', loaded: 2, total: 4 })
  await redrawn()
  expect(written.join('')).toMatch(/second.*50%/)
  expect(written.join('')).not.toContain('first')
  meter.stop()
  written.length = 0
  await redrawn()
  expect(written).toEqual([])
})

test('a bar over the bytes of the input, or a count of texts where their end is not known', async () => {
  for (const [bytesTotal, shown] of [
    [1000, /25%.*7 texts/],
    [undefined, /^(?!.*%).*7 texts/],
  ] as const) {
    const { written, stream } = terminal()
    const meter = encodeMeter(stream, { bytesRead: 250, bytesTotal })
    meter.update({ texts: 7, totalTexts: 7, tokens: 70 })
    await redrawn()
    expect(written.join('')).toMatch(shown)
    meter.stop()
    written.length = 0
    await redrawn()
    expect(written).toEqual([])
  }
})
