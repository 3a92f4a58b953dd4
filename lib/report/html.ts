/** Text that is HTML already: made by `markup`, or by a serializer that escapes. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export type Content = string | number | Html | readonly Content[] | undefined

/** A piece of HTML. Everything inserted is escaped, unless it is `Html`; lists are concatenated, undefined is nothing. */
export function markup(strings: TemplateStringsArray, ...values: readonly Content[]): Html {
  return new Html(strings.reduce((text, part, i) => text + part + (i < values.length ? textOf(values[i]) : ''), ''))
}

function textOf(value: Content): string {
  if (value === undefined) return ''
  if (value instanceof Html) return value.text
  return typeof value === 'object' ? value.map(textOf).join('') : escape(String(value))
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Text for an element or a quoted attribute. */
function escape(text: string): string {
  return visible(text).replace(/[&<>"']/g, (character) => ENTITIES[character]!)
}

/** Characters that a page cannot contain, or that would rearrange the text around them: controls, directional overrides, lone surrogates. */
const INVISIBLE = /(?![\t\n])[\p{Cc}\p{Cs}\p{Bidi_Control}\p{Noncharacter_Code_Point}\ufeff]/gu

/** The text with such characters as `[U+202E]`. */
export function visible(text: string): string {
  return text.replace(INVISIBLE, (c) => `[U+${c.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}]`)
}

/** A text or a name of the user, at most `limit` characters long, isolated from the direction of the text around it. */
export function quoted(text: string, limit = 120): Html {
  return markup`<bdi>${text === '' ? '(empty)' : clip(text, limit)}</bdi>`
}

/** The first `limit` characters (never half of one), and how many there are. */
export function clip(text: string, limit: number): string {
  if (text.length <= limit) return text
  const start = text.slice(0, limit).replace(/[\ud800-\udbff]$/, '')
  return `${start}… (${text.length.toLocaleString('en')} characters)`
}

export interface Table {
  caption: Content
  columns: readonly Content[]
  /** The first cell of each row is its header. */
  rows: readonly (readonly Content[])[]
  /** Index of the first column that holds numbers, which are aligned to the right. Defaults to 1. */
  numbersFrom?: number
}

export function table({ caption, columns, rows, numbersFrom = 1 }: Table): Html {
  const kind = (column: number) => (column >= numbersFrom ? markup` class="number"` : undefined)
  const head = columns.map((name, i) => markup`<th scope="col"${kind(i)}>${name}</th>`)
  const body = rows.map(
    ([first, ...rest]) => markup`<tr><th scope="row">${first}</th>${rest.map((cell, i) => markup`<td${kind(i + 1)}>${cell}</td>`)}</tr>`,
  )
  return scrollable(
    caption,
    markup`<table><caption><span>${caption}</span></caption><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table>`,
  )
}

/** Wide content scrolls by itself, also with the arrow keys once it has the focus. */
export function scrollable(name: Content, content: Html): Html {
  return markup`<div class="scroll" role="group" tabindex="0" aria-label="${plain(name)}">${content}</div>`
}

/** The text of a piece of content without its tags, for attributes. */
export function plain(content: Content): Content {
  return content instanceof Html ? new Html(content.text.replace(/<[^>]*>/g, '')) : Array.isArray(content) ? content.map(plain) : content
}

/** A number for people: `digits` decimals; an en dash if there is none. */
export function number(value: number | null | undefined, digits = 3): string {
  if (typeof value !== 'number' || !Number.isFinite(value)) return '–'
  if (Number.isInteger(value)) return value.toLocaleString('en')
  const small = value !== 0 && Math.abs(value) < 10 ** -digits
  return small ? value.toExponential(1) : value.toFixed(digits)
}

/** A share of 1 as a percentage. */
export function percent(value: number | null | undefined): string {
  return typeof value === 'number' && Number.isFinite(value) ? `${(100 * value).toFixed(1)} %` : '–'
}
