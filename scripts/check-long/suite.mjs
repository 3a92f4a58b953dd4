// The whole test suite, as `npm test` runs it, counted by kind.
// usage: node scripts/check-long/suite.mjs
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Explained, main } from '../support/console.mjs'
import { inRoot, root } from '../support/paths.mjs'
import { capture } from '../support/process.mjs'

await main(async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sentorch-suite-'))
  try {
    const report = path.join(folder, 'jest.json')
    // Tests that lack what they need fail instead of skipping.
    const env = { ...process.env, CI: 'true' }
    const { output } = await capture(process.execPath, [inRoot('node_modules/jest/bin/jest.js'), '--json', `--outputFile=${report}`], {
      env,
    })
    if (!fs.existsSync(report)) throw new Explained(`jest made no report:\n${output.slice(-2000)}`)
    const { testResults, numPassedTests, numFailedTests, numPendingTests, numRuntimeErrorTestSuites } = JSON.parse(fs.readFileSync(report))
    const kinds = {}
    for (const { name, assertionResults } of testResults) {
      const kind = path.relative(path.join(root, 'test'), name).split(path.sep)[0]
      kinds[kind] = (kinds[kind] ?? 0) + assertionResults.length
    }
    const failed = numFailedTests + numRuntimeErrorTestSuites
    for (const { name, message } of testResults.filter(({ status }) => status === 'failed')) console.error(`${name}\n${message}`)
    const parts = Object.entries(kinds).map(([kind, count]) => `${count} ${kind}`)
    console.log(
      `${numPassedTests + numFailedTests} tests in ${testResults.length} files (${parts.join(', ')}): ${failed} failed, ${numPendingTests} skipped`,
    )
    if (failed > 0 || numPassedTests === 0) process.exitCode = 1
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
})
