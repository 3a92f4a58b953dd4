import type { Charts } from '../charts'
import { markup, number, quoted, table, type Html } from '../html'
import type { RunRecord } from '../record'

/** Pairs in the table: those whose similarity changed most. */
const PAIRS = 12

/** How the sentence vectors changed. */
export function similaritySection(record: RunRecord, charts: Charts): Html {
  const { similarity, history } = record
  const kept = history.flatMap(({ epoch, embeddingSimilarity: kept }) => (kept ? [{ epoch, ...kept }] : []))
  const epochs =
    kept.length === 0
      ? undefined
      : table({
          caption: 'Mean cosine to the vectors of the original model (keepEmbeddings), per epoch',
          columns: ['epoch', 'before', 'after'],
          rows: kept.map(({ epoch, before, after }) => [number(epoch), number(before, 4), number(after, 4)]),
        })
  if (!similarity) return markup`${epochs ?? markup`<p>Not recorded.</p>`}`
  const { meanCosine, texts, pairs } = similarity
  const moved = [...pairs].sort((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before))
  const points = pairs.map(({ before, after }) => ({ x: before, y: after, r: 2.5 }))
  const least = Math.min(0, ...pairs.flatMap(({ before, after }) => [before, after]))
  const rows = moved.slice(0, PAIRS).map(({ a, b, before, after }) => [quoted(a, 160), quoted(b, 160), number(before), number(after)])
  const data = { caption: 'Pairs whose similarity changed most', columns: ['text', 'text', 'before', 'after'], rows, numbersFrom: 2 }
  const chart = {
    title: 'Cosine of pairs of texts',
    description: `${pairs.length} pairs. Mean change ${number(pairs.reduce((sum, { before, after }) => sum + after - before, 0) / (pairs.length || 1))}.`,
    x: 'before the fit',
    y: 'after the fit',
  }
  return markup`<p>The vectors of ${number(texts)} texts before and after the fit have a mean cosine of ${number(meanCosine, 4)} (1: unchanged).</p>${epochs}${charts.square(chart, [Math.floor(least * 10) / 10, 1], points, data)}`
}
