import { join } from 'node:path'
import { takeOptions } from '../../base/arguments'
import { trim } from '../../base/text'
import type { Example, LabelValue } from '../example'
import { setLabel } from '../labels'
import { resolveHeads, type HeadNames, type ResolvedHeads } from './options'
import { broken, fromFiles, linesOf } from './source'

export interface JointBertOptions {
  heads?: HeadNames
}

/**
 * Reads examples from folders in JointBERT's layout: `seq.in` (the words of one sentence per line), `seq.out` (their tags), `label` (the intent).
 * Runs of spaces or tabs separate words and tags, also at the ends of lines; the numbers of words and tags must be equal.
 * Lines that are blank in all files are skipped. `text` is the words joined by one space.
 * @throws ERR_DATA with file and line.
 */
export function readJointBert(folders: string | readonly string[], options: JointBertOptions = {}): AsyncIterable<Example> {
  const heads = resolveJointBert(options)
  return fromFiles(folders, async function* (folder) {
    const files = filesOf(folder, heads)
    for await (const { lines, number } of inStep(files.map(({ file }) => file))) {
      const example = exampleOf(files, lines, number)
      if (example) yield example
    }
  })
}

interface Part {
  file: string
  kind: 'words' | 'tags' | 'intent'
  head: string
}

function filesOf(folder: string, { tokens, sentence }: ResolvedHeads): Part[] {
  const parts: Part[] = [{ file: join(folder, 'seq.in'), kind: 'words', head: '' }]
  if (tokens !== false) parts.push({ file: join(folder, 'seq.out'), kind: 'tags', head: tokens })
  if (sentence !== false) parts.push({ file: join(folder, 'label'), kind: 'intent', head: sentence })
  return parts
}

/** The corresponding lines of several files; undefined for a file that has ended before the others. */
async function* inStep(files: readonly string[]): AsyncGenerator<{ lines: (string | undefined)[]; number: number }> {
  const readers = files.map((file) => linesOf(file, 'words'))
  try {
    for (let number = 1; ; number++) {
      const lines: (string | undefined)[] = []
      for (const reader of readers) {
        const next = await reader.next()
        lines.push(next.done ? undefined : next.value.text)
      }
      if (lines.every((line) => line === undefined)) return
      yield { lines, number }
    }
  } finally {
    for (const reader of readers) await reader.return(undefined)
  }
}

/** Undefined if the line is blank in all files. */
function exampleOf(parts: readonly Part[], lines: readonly (string | undefined)[], number: number): Example | undefined {
  const pieces = lines.map((line) => (line ?? '').split(/[ \t]+/).filter((piece) => piece !== ''))
  const present = pieces.findIndex((list) => list.length > 0)
  if (present < 0) return undefined
  const lacking = pieces.findIndex((list) => list.length === 0)
  if (lacking >= 0) {
    const what = lines[lacking] === undefined ? 'The file has ended' : 'The line is blank'
    throw broken(parts[lacking]!.file, number, `${what}, but ${parts[present]!.file} has text on this line.`)
  }
  const words = pieces[0]!
  const labels: Record<string, LabelValue> = {}
  for (const [i, { file, kind, head }] of parts.entries()) {
    if (kind === 'intent') setLabel(labels, head, trim(lines[i]!, ' \t'))
    if (kind !== 'tags') continue
    const tags = pieces[i]!
    if (tags.length !== words.length) {
      throw broken(file, number, `The line has ${tags.length} tags, but that of ${parts[0]!.file} has ${words.length} words.`)
    }
    setLabel(labels, head, tags)
  }
  return { text: words.join(' '), words, labels }
}

function resolveJointBert(options: JointBertOptions): ResolvedHeads {
  options = takeOptions('readJointBert', options, ['heads'])
  return resolveHeads(options.heads)
}
