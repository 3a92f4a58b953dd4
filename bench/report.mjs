// The figures as Markdown: docs/benchmarks.md, and the summary between the markers of README.md.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { root } from '../scripts/support/paths.mjs'
import { refusal } from './quiet.mjs'

const require = createRequire(import.meta.url)

export const times = (ratio) => `${ratio.toFixed(2)} ×`

const markdown = (header, body) => [header, header.map(() => '---'), ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

/** Rows: title, our value, the peer, its value, the ratio by which ours is better, the goal. */
export const table = (rows) => markdown(['', 'sentorch', 'peer', 'peer’s', 'ratio', 'goal'], rows)

const processors = () => `${os.cpus()[0].model}, ${os.availableParallelism()} processors`

export function machine({ kernels, libtorch }, versions) {
  const { version } = require(path.join(root, 'package.json'))
  return `${processors()}, kernels ${kernels}; Node ${process.versions.node}, sentorch ${version} on libtorch ${libtorch};
Python ${versions.python}, torch ${versions.torch}, transformers ${versions.transformers}, sentence-transformers ${versions.sentenceTransformers}. all-MiniLM-L6-v2. Medians; a ratio above 1 is in sentorch's favour.`
}

/**
 * Writes a section between its markers: the whole text into docs/benchmarks.md, its rows without the goals into README.md. `loads`: see `refusal`.
 * Returns the reason if nothing was written, otherwise undefined.
 */
export function publish(part, { text, rows, loads }, folder = root) {
  const why = refusal(loads)
  if (why) return why
  const summary = rows.map(([what, ours, peer, theirs, ratio]) => [what, ours, `${peer}: ${theirs}`, ratio])
  replace(path.join(folder, 'docs/benchmarks.md'), part, text)
  replace(path.join(folder, 'README.md'), part, markdown([`${processors()}, all-MiniLM-L6-v2`, 'sentorch', 'peer', 'ratio'], summary))
  return undefined
}

function replace(file, part, text) {
  const marked = new RegExp(`(<!-- bench:${part} -->)[^]*(<!-- /bench:${part} -->)`)
  const before = fs.readFileSync(file, 'utf8')
  if (!marked.test(before)) throw new Error(`${file} lacks the markers <!-- bench:${part} --> and <!-- /bench:${part} -->.`)
  fs.writeFileSync(
    file,
    before.replace(marked, (_, open, close) => `${open}\n\n${text}\n\n${close}`),
  )
}
