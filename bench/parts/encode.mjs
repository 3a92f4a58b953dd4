// Vectors, compared with sentence-transformers and transformers.js.
import { inRoot } from '../../scripts/support/paths.mjs'
import { prepareTransformersJs } from '../environment.mjs'
import { inTurn, measure } from '../measure.mjs'
import { machine, table, times } from '../report.mjs'

const PEER = { python: 'sentence-transformers', javascript: 'transformers.js' }
const peer = (name) => inRoot('bench/peers', name)
const program = (name) => inRoot('bench/programs', name)

/** A row per comparison: title, our value, the peer's value, the ratio by which ours is better, the goal. */
const faster = (what, figures, against, goal) => {
  const [a, b] = [figures.ours.textsPerSecond, figures[against].textsPerSecond]
  return [what, `${a} texts/s`, PEER[against], `${b} texts/s`, times(a / b), goal]
}
const smaller = (what, figures, against, figure, unit, goal) => {
  const [a, b] = [figures.ours[figure], figures[against][figure]]
  return [what, `${a.toFixed(2)} ${unit}`, PEER[against], `${b.toFixed(2)} ${unit}`, times(b / a), goal]
}

export async function stages({ model, python, texts, quick }) {
  const { home, models, name } = await prepareTransformersJs(python, model)
  const [shorts, longs, rounds] = quick ? ['256', '64', 1] : ['2048', '512', 2]
  const contenders = (file, limit, dtype) => ({
    ours: () => measure(process.execPath, [program('encode.mjs'), model, file, dtype, limit]),
    python: () => measure(python, [peer('encode_sentence_transformers.py'), model, file, '--dtype', dtype, '--limit', limit]),
    ...(dtype === 'float32' && {
      javascript: () => measure(process.execPath, ['encode_transformersjs.mjs', models, name, file, limit], { cwd: home }),
    }),
  })
  return {
    short32: {
      title: 'Short sentences, float32',
      measure: () => inTurn(contenders(texts.short, shorts, 'float32'), rounds),
      rows: (figures) => [
        faster('short sentences, float32', figures, 'python', '≥ 1.5 ×'),
        faster('', figures, 'javascript', '≥ 1.6 ×'),
        smaller('one short text, p50', figures, 'python', 'p50Ms', 'ms', '≥ 3 ×'),
        smaller('', figures, 'javascript', 'p50Ms', 'ms', '≥ 1 ×'),
        smaller('peak memory, short float32', figures, 'python', 'peakRssMB', 'MB', '≥ 2 ×'),
      ],
    },
    long32: {
      title: 'Long passages, float32',
      measure: () => inTurn(contenders(texts.long, longs, 'float32'), rounds),
      rows: (figures) => [faster('long passages, float32', figures, 'python', '≥ 1.3 ×'), faster('', figures, 'javascript', '≥ 2.5 ×')],
    },
    short16: {
      title: 'Short sentences, bfloat16',
      measure: () => inTurn(contenders(texts.short, shorts, 'bfloat16'), rounds),
      rows: (figures) => [faster('short sentences, bfloat16', figures, 'python', '≥ 2 × (AMX)')],
    },
    long16: {
      title: 'Long passages, bfloat16',
      measure: () => inTurn(contenders(texts.long, longs, 'bfloat16'), rounds),
      rows: (figures) => [faster('long passages, bfloat16', figures, 'python', '≥ 1.4 × (AMX)')],
    },
    first: {
      title: 'From process start to the first vector',
      measure: () =>
        inTurn(
          {
            ours: () => measure(process.execPath, [program('first.mjs'), model]),
            python: () => measure(python, [peer('first.py'), model]),
            javascript: () => measure(process.execPath, ['first_transformersjs.mjs', models, name], { cwd: home }),
          },
          quick ? 1 : 5,
        ),
      rows: (figures) => [
        smaller('process start to first vector and end', figures, 'python', 'seconds', 's', '≥ 6 ×'),
        smaller('', figures, 'javascript', 'seconds', 's', '≥ 1 ×'),
      ],
    },
    responsive: {
      title: 'Delays on the JavaScript thread while texts are encoded',
      measure: () => measure(process.execPath, [program('responsive.mjs'), model, texts.short]),
      line: ({ texts: count, lateP99Ms, lateMaxMs, readMaxMs }) =>
        `While ${count} texts are encoded, a 1 ms timer on the JavaScript thread is late by ${lateP99Ms} ms at p99 and ${lateMaxMs} ms at worst
(goals 10 and 50); reading a small file takes ${readMaxMs} ms at worst (goal 100).`,
    },
    stream: {
      title: 'Memory of a stream',
      measure: () => measure(process.execPath, [program('stream.mjs'), model, texts.short, 'bfloat16', quick ? '5000' : '200000']),
      line: ({ texts: count, rssTenthMB, rssEndMB }) =>
        `${count} texts through \`encodeStream\`: ${rssTenthMB} MB after a tenth of them, ${rssEndMB} MB at the end (goal: within 10 % + 30 MB).`,
    },
  }
}

export function text({ figures, rows, lines, versions, about }) {
  const described = ({ texts, tokens }) => `${texts} (${Math.round(tokens / texts)} tokens each)`
  return `${machine(figures.short32.ours, versions)}
Short sentences: ${described(figures.short32.ours)}; passages: ${described(figures.long32.ours)}; ${about}.

${table(rows)}

${lines.join('\n')}`
}
