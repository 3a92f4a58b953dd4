import { rmSync } from 'node:fs'
import { Tokenizer } from '../../lib/tokenizer/tokenizer'
import golden from '../golden/tokenizer.json'
import nasty from '../golden/nasty-texts.json'
import { copyFixture } from '../support/tokenizer-fixture'

const texts = nasty as Record<string, string>
const names = Object.keys(texts)

/** The golden file writes [id, count] for a stretch of equal ids. */
function expand(runs: readonly (number | number[])[]): number[] {
  return runs.flatMap((run) => (typeof run === 'number' ? run : Array<number>(run[1]!).fill(run[0]!)))
}

function rows({ ids, offsets }: { ids: Int32Array; offsets: Int32Array }): number[][] {
  return Array.from({ length: offsets.length - 1 }, (_, i) => [...ids.subarray(offsets[i], offsets[i + 1])])
}

describe.each(golden)('$name: ids equal transformers', (wanted) => {
  let folder: string
  let tokenizer: Tokenizer
  beforeAll(async () => {
    folder = copyFixture(wanted.fixture, wanted.files)
    tokenizer = await Tokenizer.open(folder, { maxLength: 128, doLowerCase: false, config: wanted })
  })
  afterAll(() => {
    tokenizer.dispose()
    rmSync(folder, { recursive: true })
  })

  test.each(names)('%s', async (name) => {
    const [row] = rows(await tokenizer.encode([texts[name]!], 1 << 20))
    expect(row).toEqual(expand(wanted.ids[name as keyof typeof wanted.ids]))
    expect(await tokenizer.count([texts[name]!])).toEqual([row!.length])
  })

  test.each([2, 3, 12])('all in one call, cut at %i', async (limit) => {
    const cut = wanted.cut[String(limit) as keyof typeof wanted.cut] as Record<string, number[]>
    expect(rows(await tokenizer.encode(Object.values(texts), limit))).toEqual(names.map((name) => cut[name]))
  })

  test('the vocabulary is as large', () => {
    expect(tokenizer.vocabSize).toBe(wanted.vocabSize)
  })
})
