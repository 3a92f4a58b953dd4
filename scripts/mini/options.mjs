// The options that the steps of scripts/mini share.
import { createRequire } from 'node:module'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { inRoot } from '../support/paths.mjs'

const require = createRequire(import.meta.url)

const NAMES = [
  'data',
  'wordnet',
  'out',
  'teacher',
  'python',
  'threads',
  'texts',
  'epochs',
  'dtype',
  'rate',
  'batch',
  'start',
  'run',
  'schedule',
  'model',
  'target',
]

/** All values of the command line, with defaults for the places of data and results. */
export function optionsOf(args = process.argv.slice(2)) {
  const { values } = parseArgs({ args, options: Object.fromEntries(NAMES.map((name) => [name, { type: 'string' }])) })
  const { cacheFolder } = require(inRoot('dist/libtorch/find.js'))
  const numbers = Object.fromEntries(
    ['threads', 'texts', 'epochs', 'rate', 'batch'].flatMap((name) => (values[name] === undefined ? [] : [[name, Number(values[name])]])),
  )
  return {
    data: inRoot('../shared/data'),
    wordnet: '/usr/share/wordnet',
    out: path.join(cacheFolder(), 'mini'),
    python: 'python3',
    ...values,
    ...numbers,
  }
}
