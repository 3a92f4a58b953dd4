import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { FAMILIES } from '../../lib/format/families'
import { CHECKPOINT_FORMS, HEAD_KINDS, HEAD_TYPES } from '../../lib/heads/kinds'
import { POOLING_NAMES } from '../../lib/pooling/poolings'

const root = path.resolve(__dirname, '../..')

function run(args: string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', input })
  if (status !== 0) throw new Error(stderr)
  return stdout
}

const LITERAL = 'no-restricted-syntax'
const SWITCH = '@typescript-eslint/switch-exhaustiveness-check'
const LATE = 'sentorch/late-handler'
const UNION = `type Color = 'red' | 'blue'\nexport function f(color: Color): number {\n  `
const WAITS = `const work = async () => {}\nexport async function f(): Promise<void> {\n  const first = work()\n  `

/** File, its content, the rule that it breaks. */
const CASES: [string, string, string, string | undefined][] = [
  ['a comparison', 'lib/data/targets.ts', "export const f = (type: string) => type === 'classification'\n", LITERAL],
  ['a case', 'lib/predict/predict.ts', "export function f(s: string) { switch (s) { case 'token-classification': return 1; default: return 2 } }\n", LITERAL], // prettier-ignore
  ['the value of a key', 'lib/format/heads.ts', "export const f = { type: 'multi-label' }\n", LITERAL],
  ['an argument', 'lib/encode/options.ts', "export const f = ['x'].includes('mean')\n", LITERAL],
  ['a template', 'lib/format/modules.ts', 'export const f = `lasttoken`\n', LITERAL],
  ['an element', 'lib/model/load.ts', "export const f = ['bert']\n", LITERAL],
  ['a computed key', 'lib/hub/hub.ts', "export const f = (o: Record<string, string>) => o['xlm-roberta']\n", LITERAL],
  ['a pooling among the heads', 'lib/heads/heads.ts', "export const f = 'cls'\n", LITERAL],
  ['a kind of head among the families', 'lib/format/families.ts', "export const f = 'classification'\n", LITERAL],
  ['a family among the poolings', 'lib/pooling/poolings.ts', "export const f = 'mpnet'\n", LITERAL],
  ['a type', 'lib/predict/types.ts', "export type F<T> = T extends 'classification' ? 1 : { 'multi-label': 'cls' }\n", undefined],
  ['the key of an object', 'lib/hub/hub.ts', "export const f = { 'xlm-roberta': 1, mean: 2 }\n", undefined],
  ['part of a message', 'lib/format/heads.ts', 'export const f = "bert: pooling \'cls\'"\n', undefined],
  ['a kind of head at home', 'lib/heads/binary.ts', "export const f = (t: string) => t === 'classification'\n", undefined],
  ['a pooling at home', 'lib/pooling/poolings.ts', "export const f = 'cls'\n", undefined],
  ['a family at home', 'lib/tokenizer/families.ts', "export const f = 'bert'\n", undefined],
  ['a test', 'test/unit/heads.test.ts', "test('x', () => expect('bert').toBe('bert'))\n", undefined],
  [
    'a switch that lacks a case',
    'lib/base/text.ts',
    `${UNION}switch (color) {\n    case 'red':\n      return 1\n  }\n  return 2\n}\n`,
    SWITCH,
  ],
  ['a case lost in a default', 'lib/base/text.ts', `${UNION}switch (color) {\n    case 'red':\n      return 1\n    default:\n      return 2\n  }\n}\n`, SWITCH], // prettier-ignore
  ['a default that waits for new cases', 'lib/base/text.ts', `${UNION}switch (color) {\n    case 'red':\n      return 1\n    case 'blue':\n      return 2\n    default:\n      return 3\n  }\n}\n`, SWITCH], // prettier-ignore
  ['a whole switch', 'lib/base/text.ts', `${UNION}switch (color) {\n    case 'red':\n      return 1\n    case 'blue':\n      return 2\n  }\n}\n`, undefined], // prettier-ignore
  ['a promise left alone', 'lib/base/text.ts', `${WAITS}await work()\n  await first\n}\n`, LATE],
  ['a promise that is handled', 'lib/base/text.ts', `${WAITS}first.catch(() => {})\n  await work()\n  await first\n}\n`, undefined],
]

describe('eslint', () => {
  let found: [string, string][][]
  beforeAll(() => {
    found = JSON.parse(run(['test/support/lint-texts.mjs'], JSON.stringify(CASES.map(([, file, text]) => [file, text]))))
  }, 120_000)

  test.each(CASES.map(([name, , , rule], i) => [name, rule ?? 'nothing', i] as const))('%s: %s', (_, rule, i) => {
    expect(found[i]!.map(([id]) => id)).toEqual(rule === 'nothing' ? [] : [rule])
  })

  test('the refusal names the concept, its home and the way out', () => {
    const [[, message]] = found[0] as [[string, string]]
    expect(message).toBe('The name of a kind of head may be written as a value in lib/heads/** only: ask kindOf(head) (lib/heads/kind.ts).')
  })
})

test('the rule knows every kind of head, pooling and family', () => {
  const program =
    "import('./scripts/support/literals.mjs').then(({ CONCEPTS }) => console.log(JSON.stringify(CONCEPTS.map(({ names }) => names))))"
  const [heads, poolings, families] = JSON.parse(run(['-e', program])) as [string[], string[], string[]]
  const kinds = [...HEAD_TYPES, ...HEAD_KINDS.flatMap(({ name, outcome }) => [name, outcome]), ...CHECKPOINT_FORMS.map(({ as }) => as)]
  const sorted = (names: Iterable<string>) => [...new Set(names)].sort()
  expect(sorted(heads)).toEqual(sorted(kinds.filter((name) => name !== 'binary')))
  expect(sorted(poolings)).toEqual(sorted(POOLING_NAMES.filter((name) => name !== 'max')))
  expect(sorted(families)).toEqual(sorted(FAMILIES.flatMap(({ name, modelTypes }) => [name, ...modelTypes])))
})
