/**
 * Trimming of given characters in linear time. An expression such as `/[ \t]+$/` tries each space inside the text as the start of the end, and
 * reads the whole run from there again.
 */
export function trimEnd(text: string, characters: string): string {
  let end = text.length
  while (end > 0 && characters.includes(text[end - 1]!)) end--
  return text.slice(0, end)
}

/** As `trimEnd`, at both ends. */
export function trim(text: string, characters: string): string {
  let start = 0
  while (start < text.length && characters.includes(text[start]!)) start++
  return trimEnd(text.slice(start), characters)
}

/** A folder's path without `./` and `/` at its start and `/` at its end. */
export function trimPath(path: string): string {
  let start = 0
  while (path[start] === '/' || path.startsWith('./', start)) start += path[start] === '/' ? 1 : 2
  return trimEnd(path.slice(start), '/')
}
