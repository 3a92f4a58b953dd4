import type { Markish, PlotOptions } from '@observablehq/plot'
import { clip, Html, markup, plain, table, visible, type Content, type Table } from './html'

/** The plotting library, which is loaded when the first report is written. */
type Plot = typeof import('@observablehq/plot')

/** What is used of a drawing: the library's types assume a browser's. */
interface Drawing {
  outerHTML: string
  setAttribute(name: string, value: string): void
  removeAttribute(name: string): void
  querySelectorAll(selector: string): ArrayLike<{ remove(): void; removeAttribute(name: string): void }>
}

/** Charts are drawn for this width; narrower columns scale them down. */
const [WIDTH, HEIGHT] = [480, 280]

/** Number of colours and of line styles in the style sheet: `--series-0` … */
const SERIES = 6
const DASHES = ['', '6 3', '2 3', '8 3 2 3', '12 4', '4 4']

/** If all numbers are below this, they are written with an exponent. */
const SMALL = 0.01

/** Characters of a name that fit next to a chart. */
const SHORT = 18

export interface Series {
  name: string
  points: readonly { x: number; y: number }[]
  /** Whether each point is marked: few points, as of evaluations. */
  marked?: boolean
  /** A faint line in the colour of the first, which it belongs to. */
  faint?: boolean
}

export interface Chart {
  title: Content
  /** What the chart shows, for readers who cannot see it. */
  description: string
  x: string
  y: string
  /** A logarithmic y axis, on which values that are not positive have no place. */
  logarithmic?: boolean
  /** Both axes show the same quantity. */
  isSquare?: boolean
}

/** Draws charts as SVG, with numbered ids so that each chart can name its title. */
export class Charts {
  readonly #plot: Plot
  readonly #document: unknown
  #count = 0

  private constructor(plot: Plot, document: unknown) {
    this.#plot = plot
    this.#document = document
  }

  static async load(): Promise<Charts> {
    const [plot, { default: domino }] = await Promise.all([import('@observablehq/plot'), import('domino')])
    return new Charts(plot, (domino as { createDocument(html: string): unknown }).createDocument(''))
  }

  /** Lines over steps. The table lists the points that are marked, or every n-th point. */
  lines(chart: Chart, series: readonly Series[], data: Table): Html {
    const drawn = series.map((one, i) => ({
      ...one,
      points: one.points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y) && (!chart.logarithmic || y > 0)),
      colour: colourOf(one.faint ? 0 : i),
      dash: one.faint ? '' : DASHES[i % SERIES]!,
      width: one.faint ? 1 : 2,
      opacity: one.faint ? 0.55 : 1,
    }))
    const marks = drawn.flatMap(({ points, colour, dash, width, opacity, marked }): Markish[] => [
      this.#plot.line(points, {
        x: 'x',
        y: 'y',
        stroke: colour,
        strokeWidth: width,
        strokeOpacity: opacity,
        strokeDasharray: dash || 'none',
      }),
      this.#plot.dot(marked || points.length === 1 ? points : [], { x: 'x', y: 'y', fill: colour, r: 3.5 }),
    ])
    const legend = drawn.map(
      ({ name, colour, dash, width, opacity }) =>
        markup`<li><svg width="28" height="10" aria-hidden="true"><line x1="0" y1="5" x2="28" y2="5" stroke="${colour}" stroke-width="${width + 1}" stroke-opacity="${opacity}" stroke-dasharray="${dash || 'none'}"/></svg> <bdi>${clip(name, 60)}</bdi></li>`,
    )
    const largest = Math.max(...drawn.flatMap(({ points }) => points.map(({ y }) => y)))
    const y = { ...(chart.logarithmic ? { type: 'log' as const } : { nice: true }), ...(largest < SMALL && { tickFormat: exponential }) }
    const grid = this.#plot.gridY({ stroke: 'var(--rule)', strokeOpacity: 1 })
    return this.#figure(chart, { y, marks: [grid, ...marks] }, markup`<ul class="legend">${legend}</ul>`, data)
  }

  /** Ranges of steps per row: when each group was trained. */
  ranges(
    chart: Chart,
    rows: readonly { name: string; from: number; to: number }[],
    names: readonly string[],
    steps: number,
    data: Table,
  ): Html {
    const plot = this.#plot
    const row = new Map(names.map((name, i) => [name, i]))
    const bar = { insetTop: 3, insetBottom: 3 }
    const marks = [
      plot.barX([...row.values()], { x1: 0, x2: steps, y: (i: number) => i, fill: 'var(--rule)', ...bar }),
      plot.barX(rows, { x1: 'from', x2: 'to', y: ({ name }: { name: string }) => row.get(name)!, fill: colourOf(0), ...bar }),
    ]
    const y = { domain: [...row.values()], label: null, tickFormat: (i: number) => shortened(names[i]!) }
    const options = { y, marginLeft: 150, height: 60 + 22 * names.length, marks }
    return this.#figure(chart, options, undefined, data)
  }

  /** Points in the unit square with the diagonal. */
  square(chart: Chart, domain: readonly [number, number], points: readonly { x: number; y: number; r?: number }[], data: Table): Html {
    const plot = this.#plot
    const ends = domain.map((at) => ({ x: at, y: at }))
    const marks = [
      plot.line(ends, { x: 'x', y: 'y', stroke: 'currentColor', strokeDasharray: '4 4', strokeOpacity: 0.6 }),
      plot.dot(points, { x: 'x', y: 'y', r: 'r', fill: colourOf(0), fillOpacity: 0.75, stroke: colourOf(0) }),
    ]
    const options = {
      width: 400,
      height: 340,
      x: { domain: [...domain] },
      y: { domain: [...domain], grid: true },
      r: { type: 'identity' as const },
      marks,
    }
    return this.#figure({ ...chart, isSquare: true }, options, undefined, data)
  }

  #figure({ title, description, x, y, isSquare }: Chart, options: PlotOptions, legend: Html | undefined, data: Table): Html {
    const id = `chart-${++this.#count}`
    const svg = this.#plot.plot({
      document: this.#document as never,
      width: WIDTH,
      height: HEIGHT,
      marginLeft: 52,
      marginBottom: 42,
      ...options,
      x: { label: x, labelAnchor: 'center', labelArrow: 'none', nice: false, ...options.x },
      y: { label: y, labelArrow: 'none', ...options.y },
    }) as unknown as Drawing
    for (const style of Array.from(svg.querySelectorAll('style'))) style.remove()
    // Screen readers get the title and the description; names of axes and marks are not allowed on groups.
    for (const group of Array.from(svg.querySelectorAll('g'))) group.removeAttribute('aria-label')
    for (const name of ['class', 'height', 'width']) svg.removeAttribute(name)
    svg.setAttribute('font-size', '12')
    svg.setAttribute('role', 'img')
    svg.setAttribute('aria-labelledby', `${id}-title`)
    svg.setAttribute('aria-describedby', `${id}-description`)
    const head = markup`<title id="${id}-title">${plain(title)}</title><desc id="${id}-description">${description}</desc>`
    const drawing = svg.outerHTML.replace(/^<svg[^>]*>/, (start) => start + head.text)
    return markup`<figure${isSquare ? markup` class="square"` : undefined}><figcaption>${title}</figcaption>${legend}${new Html(drawing)}<details class="data"><summary>Numbers: ${title}</summary>${table(data)}</details></figure>`
  }
}

function colourOf(index: number): string {
  return `var(--series-${index % SERIES})`
}

function exponential(value: number): string {
  return value === 0 ? '0' : value.toExponential(1).replace('.0e', 'e')
}

/** A name as an axis can show it. The table of numbers has the whole name. */
function shortened(name: string): string {
  const characters = [...visible(name)]
  return characters.length <= SHORT ? characters.join('') : `${characters.slice(0, SHORT - 1).join('')}…`
}
