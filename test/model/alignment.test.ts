import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { Dataset } from '../../lib/data/dataset'
import type { PreparedSet } from '../../lib/data/targets'
import { prepare } from '../../lib/data/prepare'
import { readConll, readJointBert, readRasa } from '../../lib'
import { openFolder } from '../../lib/format/folder'
import { Tokenizer } from '../../lib/tokenizer/tokenizer'
import golden from '../golden/alignment.json'
import { describeData } from '../support/data'
import { headOf } from '../support/heads'
import { minilm } from '../support/minilm'

const { maxLength } = golden
let tokenizer: Tokenizer
beforeAll(async () => {
  const { folder, modules, config } = await openFolder(minilm())
  tokenizer = await Tokenizer.open(folder, { maxLength: modules.maxSeqLength, doLowerCase: modules.doLowerCase, config })
})
afterAll(() => tokenizer.dispose())

/** As the golden file's script: the integers of a row joined by spaces, and a line feed. */
function digest(rows: Int32Array, offsets: Int32Array): string {
  const hash = createHash('sha256')
  for (let i = 0; i + 1 < offsets.length; i++) hash.update(`${rows.subarray(offsets[i], offsets[i + 1]).join(' ')}\n`)
  return hash.digest('hex')
}

function facts({ examples, ids, offsets, labels, truncated }: PreparedSet): object {
  return {
    examples: examples.length,
    tokens: ids.length,
    truncated,
    ids: digest(ids, offsets),
    labels: digest(labels.get('slots')!, offsets),
  }
}

function wanted(file: string): object {
  const { file: _, ...rest } = golden.files.find((one) => one.file === file)!
  return rest
}

const SETS = [
  { name: 'snips', read: readJointBert, files: ['train', 'dev', 'test'] },
  {
    name: 'wnut17',
    read: (path: string) => readConll(path, { labels: { slots: 1 } }),
    files: ['wnut17train.conll', 'emerging.dev.conll', 'emerging.test.annotated'],
  },
  { name: 'hwu64', read: readRasa, files: ['train.rasa.json', 'test.rasa.json'] },
]

describe.each(SETS)('sub-words and their labels equal the fast tokenizer', ({ name, read, files }) => {
  describeData(name, (folder) => {
    test.each(files)('%s', async (file) => {
      const train = await Dataset.from(read(join(folder, files[0]!)))
      const head = headOf({ name: 'slots', type: 'token-classification', labels: train.labels('slots') })
      const data = file === files[0] ? train : await Dataset.from(read(join(folder, file)))
      const prepared = await prepare(data, tokenizer, [head], { maxLength, unknownLabels: file === files[0] ? 'refuse' : 'ignore' })
      expect(facts(prepared)).toEqual(wanted(`${name}/${file}`))
    })
  })
})
