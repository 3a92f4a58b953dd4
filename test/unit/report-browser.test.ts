import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { reportHtml, type RunRecord } from '../../lib'
import { describeBrowser } from '../support/browser'
import { HOSTILE, runRecord } from '../support/run-record'
import { scratch } from '../support/scratch'

/** The names and values of what axe finds wrong. */
type Violations = { id: string; nodes: { html: string }[] }[]

describeBrowser('a report in Chromium', (browser) => {
  /** Opens a page; `said` gets what the console prints and what the page asks the network for. */
  async function open(record: RunRecord, options: BrowserContextOptions = {}): Promise<{ page: Page; said: string[] }> {
    const file = join(scratch(), 'report.html')
    writeFileSync(file, await reportHtml(record))
    const context = await browser().newContext({ viewport: { width: 1200, height: 900 }, ...options })
    const page = await context.newPage()
    const said: string[] = []
    page.on('console', (message) => said.push(message.text()))
    page.on('pageerror', (error) => said.push(error.message))
    page.on('dialog', (dialog) => void said.push(dialog.message()))
    page.on('request', (request) => said.push(request.url()))
    await page.goto(pathToFileURL(file).href)
    return { page, said: said.slice(1) }
  }

  const hostile = runRecord(Object.values(HOSTILE), HOSTILE.script)

  test.each([
    ['light', { colorScheme: 'light' }],
    ['dark', { colorScheme: 'dark' }],
    ['400 pixels wide', { viewport: { width: 400, height: 800 } }],
  ] as const)(
    '%s: accessible, within the window, and nothing to say',
    async (_, options) => {
      // Only for axe, which is a script.
      const { page, said } = await open(hostile, { ...options, bypassCSP: true })
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
      await page.addScriptTag({ path: require.resolve('axe-core') })
      const { violations } = await page.evaluate<{ violations: Violations }>('axe.run()')
      expect(violations.map(({ id, nodes }) => [id, nodes[0]!.html.slice(0, 200)])).toEqual([])
      expect(said).toEqual([])
      await page.context().close()
    },
    60_000,
  )

  test('hostile labels and texts run nothing, ask for nothing and are shown as they are', async () => {
    const { page, said } = await open(hostile)
    expect(said).toEqual([])
    expect(await page.title()).toContain('<script>')
    expect(await page.locator('script, img, iframe, object').count()).toBe(0)
    expect(await page.locator('body > *').evaluateAll((found) => found.map((each) => (each as { tagName: string }).tagName))).toEqual(
      ['A', 'HEADER', 'MAIN', 'FOOTER'], // prettier-ignore
    )
    const mistakes = await page.locator('#head-0 ~ ol > li > p[dir]').allTextContents()
    expect(mistakes).toContain(HOSTILE.script)
    expect(mistakes).toContain(HOSTILE.style)
    expect(mistakes).toContain(HOSTILE.entity)
    expect(mistakes).toContain(HOSTILE.rtl)
    expect(mistakes).toContain('a[U+0000]b[U+001B]c[U+009F][U+D800]')
    await page.context().close()
  })

  test('the words of an entity are marked', async () => {
    const { page } = await open(runRecord(['river', 'ocean']))
    expect(await page.locator('mark.wrong > bdi').allTextContents()).toEqual(['river', 'ocean'])
    await page.context().close()
  })

  test('the tab key reaches every link, table of numbers and wide table', async () => {
    const { page } = await open(runRecord())
    const wanted = await page.locator('a, summary, .scroll:visible').count()
    const reached = new Set<string>()
    for (let i = 0; i < wanted; i++) {
      await page.keyboard.press('Tab')
      reached.add(await page.evaluate<string>('document.activeElement.outerHTML.slice(0, 200)'))
    }
    expect([...reached].filter((element) => element.startsWith('<body'))).toEqual([])
    expect([...reached].some((element) => element.startsWith('<summary>Numbers: Learning rates'))).toBe(true)
    // Enter opens the numbers, which are a table with a caption.
    const summary = page.locator('summary', { hasText: 'Numbers: Loss of intent' })
    await summary.focus()
    await page.keyboard.press('Enter')
    expect(await page.getByRole('table', { name: 'Loss of intent' }).isVisible()).toBe(true)
    await page.context().close()
  })

  test('charts have a name and a description', async () => {
    const { page } = await open(runRecord())
    const chart = page.getByRole('img', { name: 'Loss of intent' })
    expect(await chart.count()).toBe(1)
    expect(await chart.locator('desc').textContent()).toBe(
      'Training: from 2 at step 4 to 1 at step 8. Evaluation: from 0.500 at step 4 to 0.500 at step 8.',
    )
    await page.context().close()
  })

  test('printed, it is light and has no navigation', async () => {
    const { page } = await open(runRecord(), { colorScheme: 'dark', viewport: { width: 700, height: 900 } })
    await page.emulateMedia({ media: 'print' })
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(255, 255, 255)')
    expect(await page.locator('nav, details.data, .skip').filter({ visible: true }).count()).toBe(0)
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
    expect((await page.pdf()).subarray(0, 5).toString()).toBe('%PDF-')
    await page.context().close()
  })
})
