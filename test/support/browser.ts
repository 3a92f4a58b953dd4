import { execFileSync } from 'node:child_process'
import { chromium, type Browser } from 'playwright-core'

/** Where the browser is: Debian's package, or Chrome; undefined if there is none. */
function findChromium(): string | undefined {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    try {
      return execFileSync('which', [name], { encoding: 'utf8' }).trim()
    } catch {
      // The next name.
    }
  }
  return undefined
}

/** Tests in a browser without a window. Without one they fail in CI and are skipped elsewhere. */
export function describeBrowser(name: string, tests: (browser: () => Browser) => void): void {
  const path = findChromium()
  if (path === undefined && process.env.CI) return test(name, () => expect('chromium is missing; CI needs it').toBeUndefined())
  if (path === undefined) {
    console.warn(`${name}: skipped, as there is no chromium (apt-get install chromium).`)
    return describe.skip(name, () => tests(() => undefined as never))
  }
  describe(name, () => {
    let browser: Browser
    beforeAll(async () => {
      // Root, as in a container, cannot use the sandbox; the pages are our own.
      browser = await chromium.launch({ executablePath: path, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] })
    })
    afterAll(() => browser.close())
    tests(() => browser)
  })
}
