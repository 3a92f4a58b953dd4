// Runs all static checks, then names those that failed: types, the report of the public API, eslint, prettier, clang-format, layers, English.
// usage: node scripts/lint.mjs [--fix]
import fs from 'node:fs'
import path from 'node:path'
import { Explained, green, main, red, seconds } from './support/console.mjs'
import { packagesAreStale } from './support/packages.mjs'
import { inRoot } from './support/paths.mjs'
import { capture } from './support/process.mjs'

const fix = process.argv.includes('--fix')
const bin = (file) => inRoot('node_modules', file)

const native = ['native', 'test/core', 'test/runtime'].flatMap((folder) =>
  fs
    .readdirSync(inRoot(folder), { recursive: true })
    .filter((name) => /\.(h|cc|inc)$/.test(name))
    .map((name) => path.join(folder, name)),
)

const CHECKS = {
  'types of the library': [bin('typescript/bin/tsc'), '--noEmit'],
  'types of the tests': [bin('typescript/bin/tsc'), '--noEmit', '-p', 'test/tsconfig.json'],
  'types of the examples': [bin('typescript/bin/tsc'), '--noEmit', '-p', 'examples/tsconfig.json'],
  'public API': [inRoot('scripts/check-api.mjs')],
  eslint: [bin('eslint/bin/eslint.js'), '--max-warnings', '0', ...(fix ? ['--fix'] : []), '.'],
  prettier: [bin('prettier/bin/prettier.cjs'), fix ? '--write' : '--check', '--log-level', 'warn', '.'],
  'clang-format': [bin('clang-format/index.js'), ...(fix ? ['-i'] : ['--dry-run', '-Werror']), '--style=file', ...native],
  layers: [inRoot('scripts/check-layers.mjs')],
  English: [inRoot('scripts/check-english.mjs')],
}

await main(async () => {
  if (packagesAreStale()) throw new Explained('node_modules does not match package-lock.json. Run: npm ci')
  const failed = []
  const queue = Object.entries(CHECKS).filter(
    ([name]) => !(fix && (name.startsWith('types') || name === 'public API' || name === 'layers' || name === 'English')),
  )
  const worker = async () => {
    for (let check = queue.shift(); check; check = queue.shift()) {
      const [name, args] = check
      const start = performance.now()
      const { code, output } = await capture(process.execPath, args)
      console.log(`${code === 0 ? green('✓') : red('✗')} ${name} (${seconds(performance.now() - start)})`)
      if (code === 0) continue
      console.log(output.trimEnd())
      failed.push(name)
    }
  }
  await Promise.all([worker(), worker()])
  if (failed.length > 0) throw new Explained(`Failed: ${failed.join(', ')}.${fix ? '' : ' `npm run format` fixes formatting.'}`)
})
