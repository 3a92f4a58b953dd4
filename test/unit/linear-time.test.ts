import { readConll, readCsv, readJointBert, readRasa } from '../../lib'
import { parseIni } from '../../lib/libtorch/pip'
import { locateWheel } from '../../lib/libtorch/package-index'
import { openRoot } from '../../lib/files/read'
import { entityReport } from '../../lib/metrics'
import { openingOf } from '../../lib/tokenizer/cut'
import { FAMILIES } from '../../lib/tokenizer/families'
import { readVocabulary } from '../../lib/tokenizer/read'
import { collect } from '../support/collect'
import { readText } from '../support/readers'
import { folderOf } from '../support/scratch'

/** Characters. Reading them once takes milliseconds, once for each of them tens of seconds. */
const LENGTH = 200_000
/** Milliseconds, on a busy machine. */
const LIMIT = 3000

const yaml = (content: string) => readText(readRasa, 'nlu.yml', content)
const rasa = (example: string) => yaml(`nlu:\n- intent: x\n  examples: |\n    - ${example}\n`)
const many = (part: string) => part.repeat(Math.ceil(LENGTH / part.length))
const inside = (part: string) => `a${many(part)}b`

const MARKUP = [
  '[a](b:',
  '[a](',
  '[a][{',
  '[a]{',
  '[',
  '[a',
  '[a]',
  '[]',
  '[a](b:)',
  '[a](b',
  '[a][{"b": 1}',
  '[[a]{',
  '[a](b:]',
  '[a][{\u2028}',
]

test.each<[string, () => unknown]>([
  ...MARKUP.map((part): [string, () => unknown] => [`Rasa: ${JSON.stringify(part)}`, () => rasa(many(part))]),
  ['Rasa: spaces', () => rasa(inside(' '))],
  ['Rasa: quotes', () => yaml(many('"'))],
  ['Rasa: keys', () => yaml(Array.from({ length: LENGTH / 8 }, (_, i) => `k${i}: 1\n`).join(''))],
  ['Rasa: keys in braces', () => yaml(`{${Array.from({ length: LENGTH / 8 }, (_, i) => `k${i}: 1,`).join('')}}`)],
  ['CoNLL: spaces', () => readText(readConll, 'a.conll', `${inside(' ')}\n`)],
  ['CoNLL: tabs', () => readText(readConll, 'a.conll', `${inside('\t')}\n`, { labels: { a: 0 }, word: -1 })],
  ['JointBERT: spaces in an intent', () => collect(readJointBert(folderOf({ 'seq.in': 'a', 'seq.out': 'O', label: inside(' ') })))],
  [
    'CSV: spaces in a list',
    () => {
      const read = (path: string) => readCsv(path, { header: false, delimiter: ';', text: 0, labels: { y: { column: 1, separator: ',' } } })
      return readText(read, 'a.csv', `x;${inside(' ')}\n`)
    },
  ],
  ['the label of a tag', () => entityReport([[`B-${inside('-')}`]], [['O']], { scheme: 'IOB2' })],
  [
    'a vocabulary',
    async () => {
      const root = await openRoot(folderOf({ 'vocab.txt': `${inside(' ')}\n` }))
      return readVocabulary({ root, path: '' }, FAMILIES.BertTokenizer!, 'BertTokenizer')
    },
  ],
  ['runs in a long text', () => openingOf(many(`${'a'.repeat(39_999)}.`), LENGTH - 1, { classes: [' \\t\\n', 'A-Za-z0-9'], keep: 10_000 })],
  ['a pip.conf', () => parseIni(`[global]\n${inside(' ')}\n`, 'global')],
  [
    'an index of wheels',
    async () => {
      const send = () => Promise.resolve(new Response(many('<a '), { headers: { 'content-type': 'text/html' } }))
      await locateWheel(['https://a.test/simple'], { name: 'a', file: 'a.whl' } as never, send).catch(() => {})
    },
  ],
])('%s: time grows no faster than the length', async (_, read) => {
  const start = performance.now()
  await Promise.resolve(read()).catch((error: unknown) => expect(error).toMatchObject({ name: 'SentorchError', code: 'ERR_DATA' }))
  expect(performance.now() - start).toBeLessThan(LIMIT)
})
