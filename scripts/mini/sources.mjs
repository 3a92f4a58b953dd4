// Reads the texts of the bundled model: utterances of SNIPS, HWU64 and CLINC150, and the sentences of WordNet.
import fs from 'node:fs'
import path from 'node:path'
import { Explained } from '../support/console.mjs'

/** Utterances with their parts: entities have a `type`, what lies between them has none. */
export function snipsSplit(data, split) {
  const [words, tags] = ['seq.in', 'seq.out'].map((name) => linesOf(path.join(data, 'snips', split, name)).map((line) => line.split(/\s+/)))
  return words.map((sentence, i) => {
    const parts = []
    for (const [j, word] of sentence.entries()) {
      const tag = tags[i][j]
      const type = tag === 'O' ? undefined : `snips.${tag.slice(2)}`
      const last = parts.at(-1)
      if (last && last.type === type && !tag.startsWith('B-')) last.text += ` ${word}`
      else parts.push({ type, text: word })
    }
    return { text: sentence.join(' '), parts }
  })
}

/** As `snipsSplit`. */
export function hwuSplit(data, split) {
  const file = path.join(data, 'hwu64', `${split}.rasa.json`)
  return json(file).rasa_nlu_data.common_examples.map(({ text, entities }) => {
    const parts = []
    let at = 0
    for (const { start, end, entity } of [...entities].sort((a, b) => a.start - b.start)) {
      if (start < at) continue
      parts.push({ text: text.slice(at, start).trim() }, { type: `hwu64.${entity}`, text: text.slice(start, end) })
      at = end
    }
    parts.push({ text: text.slice(at).trim() })
    return { text: text.replace(/\s+/g, ' ').trim(), parts: parts.filter((part) => part.text !== '') }
  })
}

/** Utterances, those outside of every intent included. */
export function clincSplit(data, split) {
  const splits = json(path.join(data, 'clinc150/data_full.json'))
  return [...splits[split], ...splits[`oos_${split}`]].map(([text]) => text.replace(/\s+/g, ' ').trim())
}

/** The words of each synset, and its sentences: the definition, and the examples that the gloss quotes. */
export function wordnetSynsets(folder) {
  return ['noun', 'verb', 'adj', 'adv'].flatMap((part) =>
    linesOf(path.join(folder, `data.${part}`))
      .filter((line) => /^\d/.test(line) && line.includes(' | '))
      .map(synsetOf),
  )
}

/** A line is `offset file type count lemma id lemma id … | definition; "example"; "example"`; the count is hexadecimal. */
function synsetOf(line) {
  const [fields, gloss] = line.split(' | ')
  const [, , , count, ...rest] = fields.split(' ')
  const lemmas = Array.from({ length: parseInt(count, 16) }, (_, i) => rest[2 * i].replace(/\(\w+\)$/, '').replaceAll('_', ' '))
  const examples = [...gloss.matchAll(/"([^"]{8,})"/g)].map(([, example]) => example.trim())
  const definition = gloss
    .split(/;?\s*"/)[0]
    .replace(/\s+/g, ' ')
    .trim()
  return { lemmas, sentences: [definition, ...examples].filter((sentence) => sentence.length > 2) }
}

function linesOf(file) {
  return read(file)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

const json = (file) => JSON.parse(read(file))

function read(file) {
  if (fs.existsSync(file)) return fs.readFileSync(file, 'utf8')
  throw new Explained(`${file} does not exist. Pass --data and --wordnet; scripts/mini/README.md says where the data comes from.`)
}
