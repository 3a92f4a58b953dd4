// Checks the borders between the layers, the floors of lib/ (support/floors.mjs), and the length of files.
// usage: node scripts/check-layers.mjs [DIR]
import fs from 'node:fs'
import path from 'node:path'
import { green, red } from './support/console.mjs'
import { libraryProblems } from './support/floors.mjs'
import { root as here } from './support/paths.mjs'

const LONG = 400
const root = path.resolve(process.argv[2] ?? here)
const problems = []

/** Every file below a folder, relative to the root; [] if the folder does not exist. */
function filesIn(folder, pattern) {
  const entries = fs.readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'))
    .sort()
}

const there = (folder) => fs.existsSync(path.join(root, folder))
const read = (file) => fs.readFileSync(path.join(root, file), 'utf8')

function forbid(folder, rules) {
  if (!there(folder)) return
  for (const file of filesIn(folder, /\.(h|cc|inc)$/)) {
    for (const [index, line] of read(file).split('\n').entries()) {
      for (const [pattern, why] of rules) if (pattern.test(line)) problems.push(`${file}:${index + 1}  ${why}: ${line.trim()}`)
    }
  }
}

const NODE = /napi|node_api/i
const TORCH = /#include\s*[<"](torch|ATen|c10|caffe2)\/|\b(at|c10|torch)::/
forbid('native/core', [[NODE, 'the core knows no Node']])
forbid('native/binding', [
  [TORCH, 'the binding knows no torch'],
  [/#include\s*"core\//, 'the binding knows the core by native/engine/ only'],
])
forbid('native/engine', [
  [NODE, 'the border knows no Node'],
  [TORCH, 'the border knows no torch'],
])
forbid('native/common', [
  [NODE, 'what both libraries share knows no Node'],
  [TORCH, 'what both libraries share knows no torch'],
])

problems.push(...libraryProblems(root))

for (const folder of ['lib', 'native', 'scripts', 'bench', 'examples', 'test', 'bin'].filter(there)) {
  for (const file of filesIn(folder, /\.(ts|mts|mjs|cjs|js|h|cc|inc|py)$/)) {
    const lines = read(file).split('\n').length - 1
    if (lines > LONG) problems.push(`${file}  ${lines} lines: a file has at most ${LONG}`)
  }
}

// Scripts and test programs open modules of the built package by path, which the compiler does not check.
for (const folder of ['scripts', 'bench', 'test'].filter(there)) {
  for (const file of filesIn(folder, /\.(mjs|cjs)$/)) {
    for (const [, name] of read(file).matchAll(/'[./]*\bdist\/([\w/-]+)\.js'/g)) {
      if (!there(`lib/${name}.ts`)) problems.push(`${file}  opens dist/${name}.js, but lib/${name}.ts does not exist`)
    }
  }
}

for (const problem of problems) console.error(`${red('✗')} ${problem}`)
if (problems.length > 0) process.exitCode = 1
else console.log(`${green('✓')} layers and file lengths`)
