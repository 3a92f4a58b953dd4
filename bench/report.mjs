// The figures as Markdown: docs/benchmarks.md, and the summary between the markers of README.md.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import { inRoot } from '../scripts/support/paths.mjs'

const require = createRequire(import.meta.url)
const PEER = { python: 'sentence-transformers', javascript: 'transformers.js' }

const times = (ratio) => `${ratio.toFixed(2)} ×`

/** One row per comparison: what, ours, the peer's, the ratio by which ours is better, the goal. */
function encodeRows(figures) {
  const out = []
  const faster = (what, key, peer, goal) => {
    const [a, b] = [figures[key].ours.textsPerSecond, figures[key][peer].textsPerSecond]
    out.push([what, `${a} texts/s`, PEER[peer], `${b} texts/s`, times(a / b), goal])
  }
  const smaller = (what, key, peer, figure, unit, goal) => {
    const [a, b] = [figures[key].ours[figure], figures[key][peer][figure]]
    out.push([what, `${a.toFixed(2)} ${unit}`, PEER[peer], `${b.toFixed(2)} ${unit}`, times(b / a), goal])
  }
  faster('short sentences, float32', 'short32', 'python', '≥ 1.5 ×')
  faster('', 'short32', 'javascript', '≥ 1.6 ×')
  faster('long passages, float32', 'long32', 'python', '≥ 1.3 ×')
  faster('', 'long32', 'javascript', '≥ 2.5 ×')
  faster('short sentences, bfloat16', 'short16', 'python', '≥ 2 × (AMX)')
  faster('long passages, bfloat16', 'long16', 'python', '≥ 1.4 × (AMX)')
  smaller('one short text, p50', 'short32', 'python', 'p50Ms', 'ms', '≥ 3 ×')
  smaller('', 'short32', 'javascript', 'p50Ms', 'ms', '≥ 1 ×')
  smaller('process start to first vector and end', 'first', 'python', 'seconds', 's', '≥ 6 ×')
  smaller('', 'first', 'javascript', 'seconds', 's', '≥ 1 ×')
  smaller('peak memory, short float32', 'short32', 'python', 'peakRssMB', 'MB', '≥ 2 ×')
  return out
}

/** Joint training; the peer is plain PyTorch (`joint_reference.py --strong`), or our own full epoch. */
function trainingRows({ train32, train16, frozen }) {
  const speed = (what, { ours, python }) => [
    what,
    `${ours.examplesPerSecond} examples/s`,
    'PyTorch',
    `${python.examplesPerSecond} examples/s`,
    times(ours.examplesPerSecond / python.examplesPerSecond),
    '≥ 1 ×',
  ]
  const memory = (what, { ours, python }) => [
    what,
    `${ours.peakRssMB} MB`,
    'PyTorch',
    `${python.peakRssMB} MB`,
    times(python.peakRssMB / ours.peakRssMB),
    '≥ 1 ×',
  ]
  return [
    speed('joint training, float32', train32),
    speed('joint training, bfloat16', train16),
    memory('peak memory of training, float32', train32),
    memory('peak memory of training, bfloat16', train16),
    [
      'epoch of a frozen encoder after the first',
      `${frozen.frozenSeconds} s`,
      'a full epoch',
      `${frozen.fullSeconds} s`,
      times(frozen.fullSeconds / frozen.frozenSeconds),
      '≥ 30 ×',
    ],
  ]
}

const table = (header, body) => [header, header.map(() => '---'), ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

function machine({ kernels, libtorch }, versions) {
  const [cpu] = os.cpus()
  const { version } = require(inRoot('package.json'))
  return `${cpu.model}, ${os.availableParallelism()} processors, kernels ${kernels}; Node ${process.versions.node}, sentorch ${version} on libtorch ${libtorch};
Python ${versions.python}, torch ${versions.torch}, transformers ${versions.transformers}, sentence-transformers ${versions.sentenceTransformers}. all-MiniLM-L6-v2. Medians; a ratio above 1 is in sentorch's favour.`
}

const whole = (rows) => table(['', 'sentorch', 'peer', 'peer’s', 'ratio', 'goal'], rows)

/** The parts of the report, each made of a run of its own. */
export const PARTS = {
  encode: {
    rows: encodeRows,
    text: (figures, versions) => {
      const { responsive, stream, short32, long32 } = figures
      return `${machine(short32.ours, versions)}
${short32.ours.texts} short sentences (${Math.round(short32.ours.tokens / short32.ours.texts)} tokens each) and ${long32.ours.texts} passages (${Math.round(long32.ours.tokens / long32.ours.texts)} tokens each).

${whole(encodeRows(figures))}

While ${responsive.texts} texts are encoded, a 1 ms timer on the JavaScript thread is late by ${responsive.lateP99Ms} ms at p99 and ${responsive.lateMaxMs} ms at worst
(goals 10 and 50); reading a small file takes ${responsive.readMaxMs} ms at worst (goal 100).
${stream.texts} texts through \`encodeStream\`: ${stream.rssTenthMB} MB after a tenth of them, ${stream.rssEndMB} MB at the end (goal: within 10 % + 30 MB).`
    },
  },
  training: {
    rows: trainingRows,
    text: (figures, versions) => `${machine(figures.train32.ours, versions)}
Joint training of intents and slots on SNIPS, batches of 32 short sentences, beside plain PyTorch at its fastest (\`joint_reference.py --strong\`: fused AdamW, batches grouped by length).

${whole(trainingRows(figures))}`,
  },
}

/** Puts a part between its markers: the whole into docs/benchmarks.md, its ratios into README.md. */
export function writePart(name, figures, versions) {
  const { rows, text } = PARTS[name]
  replace('docs/benchmarks.md', name, text(figures, versions))
  const [cpu] = os.cpus()
  const ratios = rows(figures).map(([what, , peer, , ratio]) => [what, peer, ratio])
  replace(
    'README.md',
    name,
    `${cpu.model}, ${os.availableParallelism()} processors, all-MiniLM-L6-v2:\n\n${table(['', 'compared with', 'ratio'], ratios)}`,
  )
}

function replace(file, name, text) {
  const marked = new RegExp(`(<!-- bench:${name} -->)[^]*(<!-- /bench:${name} -->)`)
  const path = inRoot(file)
  fs.writeFileSync(
    path,
    fs.readFileSync(path, 'utf8').replace(marked, (_, open, close) => `${open}\n\n${text}\n\n${close}`),
  )
}
