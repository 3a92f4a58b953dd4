import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readSurroundings, type TokenizerDocument } from '../../lib/tokenizer/document'
import { refuseFatal } from '../../lib/tokenizer/guards'
import { resolveTokens } from '../../lib/tokenizer/tokens'
import { fixtureFolder } from '../support/tokenizer-fixture'

describe('the table of a Precompiled normalizer', () => {
  /** A search goes from the root, over the unit of `a`, to a leaf. Units by their place; `offset` of one is in units. */
  interface Table {
    units?: number
    root?: number
    next?: number
    leaf?: number
    replacements?: Buffer
    /** Bytes of the units, as the table states them, more than there are. */
    size?: number
  }

  function check({ units = 512, root = 1, next = 2, leaf = 0, replacements = Buffer.from('bé\0'), size = 0 }: Table): void {
    const table = new Uint32Array(units)
    const place = root ^ 0x61
    table[0] = root << 10
    if (place < units) table[place] = (0x61 | 0x100 | ((place ^ next) << 10)) >>> 0
    if (next < units) table[next] = (0x80000000 | leaf) >>> 0
    const head = Buffer.alloc(4)
    head.writeUInt32LE(table.byteLength + size)
    const charsmap = Buffer.concat([head, Buffer.from(table.buffer), replacements]).toString('base64')
    refuseFatal({
      normalizer: { type: 'Precompiled', precompiled_charsmap: charsmap },
      pre_tokenizer: null,
      model: { vocab: {} },
    } as unknown as TokenizerDocument)
  }

  test('sound', () => {
    check({})
    check({ leaf: 1 })
    check({ next: 255 })
  })

  test.each<[string, Table]>([
    ['a leaf inside of a character', { leaf: 2 }],
    ['a leaf behind all replacements', { leaf: 4 }],
    ['a replacement without an end', { replacements: Buffer.from('b\0é'), leaf: 2 }],
    ['replacements that are not UTF-8', { replacements: Buffer.from([0x62, 0xff, 0]) }],
    ['children beyond the units', { root: 600 }],
    ['children of which the last are beyond the units', { root: 256, units: 400, next: 300 }],
    ['a leaf beyond the units', { next: 700 }],
    ['a child whose own children would be beyond the units', { units: 300, next: 270 }],
    ['more units than bytes', { size: 8 }],
    ['bytes that are not whole units', { size: 1 }],
    ['no units', { units: 0 }],
  ])('%s', (_, table) => {
    expect(() => check(table)).toThrow('its precompiled_charsmap is invalid')
  })
})

describe('what stands around a text', () => {
  const special = (id: string, type_id = 0) => ({ SpecialToken: { id, type_id } })
  const text = (id = 'A', type_id = 0) => ({ Sequence: { id, type_id } })
  const special_tokens = Object.fromEntries([...'abcdef'].map((id, i) => [id, { id, ids: [i + 1], tokens: [id] }]))
  const template = (...single: object[]) => ({ type: 'TemplateProcessing', single, pair: [], special_tokens })

  test('nested templates: the later one is the outer one', () => {
    const inner = template(special('a'), special('b'), text(), special('c'))
    const outer = template(special('d'), text(), special('e'), special('f'))
    const processors = [inner, { type: 'Sequence', processors: [{ type: 'ByteLevel' }, outer] }]
    expect(readSurroundings({ type: 'Sequence', processors }, 'p')).toEqual({ before: [4, 1, 2], after: [3, 5, 6] })
  })

  test.each<[string, object[]]>([
    ['a second text', [text(), text()]],
    ['the other text of a pair', [special('a'), text('B')]],
    ['a text of another type', [text('A', 1)]],
    ['a special token of another type', [text(), special('a', 1)]],
    ['a special token that is not listed', [text(), special('x')]],
    ['no text', [special('a')]],
    ['something else', [text(), {}]],
  ])('%s is not supported', (_, single) => {
    expect(() => readSurroundings(template(...single), 'p')).toThrow(expect.objectContaining({ code: 'ERR_MODEL_UNSUPPORTED' }))
  })
})

test('a token that the settings name as special is special, whatever its list says', () => {
  const stored = JSON.parse(readFileSync(join(fixtureFolder('bert'), 'tokenizer.json'), 'utf8')) as TokenizerDocument
  const plain = stored.added_tokens.map((token) => ({ ...token, special: false }))
  const settings = { config: { cls_token: '[CLS]' }, specialTokensMap: undefined, addedTokens: undefined, stored: plain }
  expect(
    resolveTokens(settings, undefined)
      .added.filter(({ special }) => special)
      .map(({ content }) => content),
  ).toEqual(['[CLS]'])
})
