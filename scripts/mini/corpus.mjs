// Writes the texts from which the bundled model is distilled, and the texts that are kept apart to evaluate it. The result depends only on the
// data and the seed.
// usage: node scripts/mini/corpus.mjs [--data DIR] [--wordnet DIR] [--out DIR]
//   --data     the folder with snips, hwu64 and clinc150 (default: ../shared/data)
//   --wordnet  the folder with data.noun and so on (default: /usr/share/wordnet, where Debian's package wordnet-base puts it)
import fs from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { main, note } from '../support/console.mjs'
import { randomFrom } from '../support/random.mjs'
import { optionsOf } from './options.mjs'
import { clincSplit, hwuSplit, snipsSplit, wordnetSynsets } from './sources.mjs'

const SEED = 9
/** One synset of WordNet in 25 is kept apart, with all of its sentences. */
const HELD_OUT = 25
/** Number of texts of each kind that are made of others. */
const MADE = { swapped: 60_000, joined: 12_000, spans: 30_000, glossSpans: 40_000, named: 40_000, long: 4000 }

export async function makeCorpus({ data, wordnet, out }) {
  fs.mkdirSync(out, { recursive: true })
  const random = randomFrom(SEED)
  const tagged = [...snipsSplit(data, 'train'), ...hwuSplit(data, 'train')]
  const utterances = [...tagged.map(({ text }) => text), ...clincSplit(data, 'train')]
  const synsets = wordnetSynsets(wordnet)
  const learnt = synsets.filter((_, i) => i % HELD_OUT !== 0)
  const glosses = learnt.flatMap(({ sentences }) => sentences)

  const texts = new Set([...utterances, ...glosses])
  const add = (count, make) => {
    for (let i = 0; i < count; i++) texts.add(make())
  }
  const swap = swapper(tagged, random)
  add(MADE.swapped, swap)
  add(MADE.joined, () => `${swap()} ${random.pick(['and', 'and then', 'but', 'or', ','])} ${random.pick(utterances)}`)
  add(MADE.spans, () => span(random.pick(utterances), random))
  add(MADE.glossSpans, () => span(random.pick(glosses), random))
  add(MADE.named, () => named(random.pick(learnt), random))
  add(MADE.long, () => Array.from({ length: 3 + random.below(5) }, () => random.pick(glosses)).join('. '))

  const held = {
    utterances: [...snipsSplit(data, 'test'), ...hwuSplit(data, 'test')].map(({ text }) => text).concat(clincSplit(data, 'test')),
    wordnet: synsets.filter((_, i) => i % HELD_OUT === 0).flatMap(({ sentences }) => sentences),
  }
  const apart = new Set([...held.utterances, ...held.wordnet])
  const ordered = shuffled([...texts], random)
    .filter((text) => text !== '' && !apart.has(text))
    .map((text) => (random.chance(0.15) ? written(text, random) : text))
  write(path.join(out, 'texts.txt'), ordered)
  for (const [name, list] of Object.entries(held)) {
    write(path.join(out, `held-out-${name}.txt`), shuffled([...new Set(list)], random))
  }
}

/** Makes utterances in which entities are replaced by others of the same type. */
function swapper(tagged, random) {
  const values = new Map()
  for (const { parts } of tagged) {
    for (const { type, text } of parts) if (type) values.set(type, [...(values.get(type) ?? []), text])
  }
  const withEntities = tagged.filter(({ parts }) => parts.some(({ type }) => type))
  return () => {
    const { parts } = random.pick(withEntities)
    return tidy(parts.map(({ type, text }) => (type && random.chance(0.7) ? random.pick(values.get(type)) : text)).join(' '))
  }
}

/** Between one word and all but one of a text. */
function span(text, random) {
  const words = text.split(' ')
  const length = 1 + random.below(Math.max(1, words.length - 1))
  const from = random.below(words.length - length + 1)
  return words.slice(from, from + length).join(' ')
}

/** A word of WordNet, alone or with one of the sentences of its synset. */
function named({ lemmas, sentences }, random) {
  const lemma = random.pick(lemmas)
  if (random.chance(0.5)) return lemma
  return `${lemma}${random.pick([': ', ' - ', ' is ', ' means '])}${random.pick(sentences)}`
}

/** The same text as people write it: with a capital letter and a mark at its end. */
function written(text, random) {
  const mark = /[.?!]$/.test(text) ? '' : random.pick(['.', '.', '?', '!'])
  return text[0].toUpperCase() + text.slice(1) + mark
}

function shuffled(list, random) {
  for (let i = list.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    ;[list[i], list[j]] = [list[j], list[i]]
  }
  return list
}

const tidy = (text) => text.replace(/\s+/g, ' ').trim()

function write(file, texts) {
  fs.writeFileSync(file, texts.map((text) => `${text}\n`).join(''))
  note(`${file}: ${texts.length} texts`)
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main(() => makeCorpus(optionsOf()))
