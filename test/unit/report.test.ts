import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { reportHtml, writeReport, type RunRecord } from '../../lib'
import { clip, markup, number, visible } from '../../lib/report/html'
import { HOSTILE, runRecord } from '../support/run-record'
import { scratch } from '../support/scratch'

/** The page without its style sheet. */
async function bodyOf(record: RunRecord): Promise<string> {
  const page = await reportHtml(record)
  return page.slice(page.indexOf('</style>'))
}

describe('markup', () => {
  test.each([
    [HOSTILE.script, '&lt;script&gt;document.title = &quot;run&quot;&lt;/script&gt;'],
    [`' & "`, '&#39; &amp; &quot;'],
    ['a\0b\x1b\x9f', 'a[U+0000]b[U+001B][U+009F]'],
    ['\u202e\u2066\u200f', '[U+202E][U+2066][U+200F]'],
    ['\ud800 \u{1f600}', '[U+D800] \u{1f600}'],
    ['tab\tand\nline', 'tab\tand\nline'],
  ])('%j is text', (text, escaped) => expect(markup`${text}`.text).toBe(escaped))

  test('lists are concatenated and pieces are not escaped again', () => {
    expect(markup`<p>${[markup`<b>${'<'}</b>`, 1, undefined, '>']}</p>`.text).toBe('<p><b>&lt;</b>1&gt;</p>')
  })

  test('a text is never cut inside a character', () => {
    expect(clip('ab\u{1f600}cd', 3)).toBe('ab… (6 characters)')
    expect(clip('abc', 3)).toBe('abc')
    expect(visible(clip('\u{1f600}'.repeat(2000), 121))).not.toContain('U+')
  })

  test.each([
    [null, '–'],
    [NaN, '–'],
    [1234567, '1,234,567'],
    [0.12345, '0.123'],
    [0.00001, '1.0e-5'],
    [0, '0'],
  ])('the number %p', (value, shown) => expect(number(value)).toBe(shown))
})

describe('the page', () => {
  test('has its parts, in one file without anything to load or to run', async () => {
    const page = await reportHtml(runRecord())
    for (const id of ['curves', 'rates', 'head-0', 'head-1', 'head-2', 'similarity', 'recipe'])
      expect(page.includes(`<h2 id="${id}">`)).toBe(true)
    expect(page).not.toMatch(/<script|<link|<img|<iframe|\ssrc=|url\(|@import|\son\w+=/i)
    expect(page.match(/href="[^#][^"]*"/g)).toBeNull()
    expect(page.includes('content="default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;')).toBe(true)
  })

  test('is the same for a record that was stored as JSON, in which numbers that are not finite are null', async () => {
    const record = runRecord()
    record.history[0]!.loss = NaN
    record.details[0]!.calibration!.bins[0] = { from: 0, to: 1, count: 0, confidence: NaN, accuracy: NaN }
    expect(await reportHtml(JSON.parse(JSON.stringify(record)) as RunRecord)).toBe(await reportHtml(record))
  })

  test.each(Object.entries(HOSTILE))('labels, names and texts stay text: %s', async (_, text) => {
    const body = await bodyOf(runRecord([text, 'other'], text))
    const plain = await bodyOf(runRecord(['name', 'other'], 'name'))
    // Not one element or attribute more than with harmless names.
    const tags = (html: string) => html.match(/<\/?[a-z][a-z0-9]*/gi)!.sort()
    expect(tags(body)).toEqual(tags(plain))
    expect(body.match(/(?!\n)[\p{Cc}\p{Cs}\p{Bidi_Control}]/gu)).toBeNull()
    expect(body.length).toBeLessThan(3 * plain.length)
  })

  test('of 150 classes shows the most frequent confusions instead of a matrix', async () => {
    const labels = Array.from({ length: 150 }, (_, i) => `class ${i}`)
    const record = runRecord(labels)
    const counts = labels.flatMap((gold, i) => [
      { gold, predicted: gold, count: 100 },
      { gold, predicted: labels[(i + 1) % 150]!, count: i },
    ])
    record.details = [{ ...record.details[0]!, counts: counts.filter(({ count }) => count > 0) }]
    const body = await bodyOf(record)
    expect(body).not.toContain('class="matrix"')
    expect(body).toMatch(
      /The 40 most frequent of 149 confusions.*?<bdi>class 149<\/bdi><\/th><td><bdi>class 0<\/bdi><\/td><td class="number">149<\/td><td class="number">59\.8 %/s,
    )
    expect(body).not.toContain('<bdi>class 108</bdi></th><td><bdi>class 109')
  })

  test('stays below 2 MB for long runs and many labels', async () => {
    const labels = Array.from({ length: 3000 }, (_, i) => `${i} ${'label '.repeat(20)}`)
    const record = runRecord(labels)
    const evaluations = Array.from({ length: 5000 }, (_, i) => ({ ...record.evaluations[0]!, step: i + 1 }))
    record.details = record.details.map((details) => ({ ...details, mistakes: details.mistakes.slice(0, 20) }))
    const page = await reportHtml({ ...record, evaluations, groups: record.groups.slice(0, 40) })
    expect(page.length).toBeLessThan(2e6)
  })

  test('without evaluation, steps or similarity says so', async () => {
    const { similarity: _, bestStep: __, detailsStep: ___, ...record } = runRecord()
    const body = await bodyOf({ ...record, history: [], evaluations: [], course: [], details: [], steps: 0 })
    expect(body).toContain('no evaluation data')
    expect(body).toContain('Everything was frozen')
    expect(body).toContain('Not recorded')
  })

  test.each([null, [], {}, { version: 2 }, { version: 1 }, 'text'])('refuses %j', async (record) => {
    await expect(reportHtml(record as RunRecord)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  })
})

describe('writeReport', () => {
  test('creates the folder and replaces an earlier report', async () => {
    const path = join(scratch(), 'new', 'report.html')
    await writeReport(path, runRecord(['first']))
    await writeReport(path, runRecord(['second']))
    expect(readFileSync(path, 'utf8')).toBe(await reportHtml(runRecord(['second'])))
    expect(readdirSync(join(path, '..'))).toEqual(['report.html'])
  })

  test('that fails leaves nothing behind', async () => {
    const folder = scratch()
    mkdirSync(join(folder, 'taken'))
    await expect(writeReport(join(folder, 'taken'), runRecord())).rejects.toMatchObject({ code: 'ERR_FILE' })
    await expect(writeReport(join(folder, 'other.html'), {} as RunRecord)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    expect(readdirSync(folder)).toEqual(['taken'])
    expect(existsSync(join(folder, 'other.html'))).toBe(false)
  })
})
