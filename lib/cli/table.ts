/** Rows of text as aligned columns: the first column to the left, all others to the right, two spaces between them. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>((most, row) => row.map((cell, i) => Math.max(most[i] ?? 0, cell.length)), [])
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
        .join('  ')
        .trimEnd(),
    ) // prettier-ignore
    .join('\n')
}

/** A duration: `0.4 s`, `12 s`, `3:05 min`, `2:03 h`. */
export function durationText(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–'
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 100) return `${Math.round(seconds)} s`
  const [large, small, unit] = seconds < 6000 ? [seconds / 60, seconds % 60, 'min'] : [seconds / 3600, (seconds % 3600) / 60, 'h']
  return `${Math.floor(large)}:${String(Math.floor(small)).padStart(2, '0')} ${unit}`
}

/** A loss or a metric in four digits; a dash if there is none. */
export function scoreText(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? '–' : value.toFixed(4)
}
