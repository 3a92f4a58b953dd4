import { MatchedNames, matches, withMatchedNames } from '../../lib/training/parameters/patterns'
import { randomNumbers } from '../support/random'

test('a glob matches as the regular expression of the same meaning does', () => {
  const random = randomNumbers(3)
  const word = (letters: string, length: number) => Array.from({ length: Math.floor(random() * length) }, () => letters[Math.floor(random() * letters.length)]).join('') // prettier-ignore
  const different: string[] = []
  let matched = 0
  for (let i = 0; i < 20_000; i++) {
    const [name, glob] = [word('ab.', 8), word('ab.*', 7)]
    const expected = new RegExp(`^${glob.replace(/\./g, '\\.').replace(/\*/g, '.*')}$`).test(name)
    if (matches(name, glob) !== expected) different.push(`${glob} on ${name}`)
    matched += Number(expected)
  }
  expect(different).toEqual([])
  expect(matched).toBeGreaterThan(1000)
})

test('a glob of many stars takes no time', () => {
  const started = performance.now()
  expect(matches('e'.repeat(2000), `${'*e'.repeat(500)}*Z`)).toBe(false)
  expect(performance.now() - started).toBeLessThan(500)
})

test('in the place of each regular expression a checkpoint has the names that it matched', () => {
  const names = ['a.bias', 'a.weight', 'b.bias']
  const teacher = new (class {
    encode = () => undefined
  })()
  const options = {
    groups: [{ match: [/^a/, 'b.*'], learningRate: 1 }],
    freeze: { match: /BIAS$/i },
    unfreeze: [{ at: { epoch: 1 }, what: { match: /x/ } }],
    distill: { teacher },
  }
  const stored = withMatchedNames(options, names)
  expect(stored.groups[0]!.match).toEqual([new MatchedNames('/^a/', new Set(['a.bias', 'a.weight'])), 'b.*'])
  expect(stored.freeze.match).toEqual(new MatchedNames('/BIAS$/i', new Set(['a.bias', 'b.bias'])))
  expect(stored.unfreeze[0]!.what.match).toEqual(new MatchedNames('/x/', new Set()))
  expect(stored.distill.teacher).toBe(teacher)
  expect(options.freeze.match).toEqual(/BIAS$/i)
  expect(withMatchedNames(stored, [])).toEqual(stored)
  const found = stored.freeze.match as unknown as MatchedNames
  expect([matches('a.bias', found), matches('a.weight', found), String(found)]).toEqual([true, false, '/BIAS$/i'])
})
