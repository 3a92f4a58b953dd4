import { existsSync } from 'node:fs'
import path from 'node:path'

/** The public data sets, which lie next to the repository because of their size. */
const folder = path.join(__dirname, '..', '..', '..', 'shared', 'data')

/**
 * Tests on one of the public data sets (`snips`, `hwu64`, `clinc150`, `wnut17`), whose folder they get. Without the data they fail in CI
 * and are skipped elsewhere.
 */
export function describeData(name: string, tests: (folder: string) => void): void {
  const found = path.join(folder, name)
  if (existsSync(found)) describe(name, () => tests(found))
  else if (process.env.CI) test(name, () => expect(`${found} is missing; CI needs it`).toBeUndefined())
  else {
    console.warn(`${name}: skipped, as there is no ${found}.`)
    describe.skip(name, () => tests(found))
  }
}
