// Phrases that style rules out, in comments, messages and documents. Only patterns without false alarms are listed.
// usage: node scripts/check-english.mjs [DIR]
import fs from 'node:fs'
import path from 'node:path'
import { green, red } from './support/console.mjs'
import { root as here } from './support/paths.mjs'

/** Pattern and what to write instead. Patterns use `\s` for a space, so that they do not match this file. */
const PHRASES = [
  [/(?<![Tt]here\s)\b(is|are|was|were)\sno\s(?!longer\b|more\b|such\b|better\b|less\b|later\b|wider\b)[a-z]/, "'is not a …'"],
  [/\b(is|are)\snone\sof\b/, "'is not one of …'"],
  [/\bso\smany\b/, "'this many', 'the number of …' or 'at most …'"],
  [/\bgoes\son\b/, "'continues'"],
  [/(\/\/|\*)\sOf\s[a-z]/, 'a sentence with a subject'],
  [/\bhas\sit\snot\b/, "'if it does not have …'"],
  [/\bis\scontent\b/, "'accepts'"],
  [/\bkeeps\swhat\sit\shas\b/, 'what is kept'],
  [/\bother\sthe\soption\b/, "'with a different option'"],
  [/\bunder\sthe\shands\b/, "'while … is in use'"],
  [/\bWhat\sis\sno\b/, "'Everything except …'"],
  [/\bbeside\b/, "'next to' or 'compared with'"],
]

const FOLDERS = ['lib', 'native', 'docs', 'scripts', 'bench', 'examples']
const FILES = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', 'binding.d.ts']
const TEXT = /\.(ts|mts|mjs|cjs|js|h|cc|inc|py|md)$/

const root = path.resolve(process.argv[2] ?? here)
const exists = (file) => fs.existsSync(path.join(root, file))
const files = FOLDERS.filter(exists)
  .flatMap((folder) => fs.readdirSync(path.join(root, folder), { recursive: true }).map((name) => path.join(folder, name)))
  .concat(FILES.filter(exists))
  .filter((file) => TEXT.test(file))
  .sort()

let found = 0
for (const file of files) {
  for (const [index, line] of fs.readFileSync(path.join(root, file), 'utf8').split('\n').entries()) {
    for (const [pattern, instead] of PHRASES) {
      const match = pattern.exec(line)
      if (!match) continue
      found++
      console.error(`${red('✗')} ${file}:${index + 1}  '${match[0]}': write ${instead}`)
    }
  }
}
if (found > 0) process.exitCode = 1
else console.log(`${green('✓')} English`)
