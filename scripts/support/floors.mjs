// The rooms of lib/, from the ground up. A file imports from its own room and from rooms below it; type-only imports may come from above.
import fs from 'node:fs'
import path from 'node:path'
import ts from 'typescript'

/** Rooms that stand side by side do not import each other. */
export const FLOORS = [
  ['base'],
  ['native', 'tags', 'pooling'],
  ['files', 'metrics'],
  ['heads'],
  ['libtorch', 'hub', 'tokenizer', 'data', 'report'],
  ['format', 'doctor'],
  ['encode'],
  ['predict', 'model'],
  ['training'],
  ['api', 'cli'],
  ['index'],
]

/** Pure rooms never reach the addon, not even through another module. */
const PURE = ['tags', 'metrics', 'data']
const ADDON = ['lib/native/addon.ts', 'node-gyp-build']
/** Circles of type-only imports. */
const MOST_TYPE_CIRCLES = 2
const FLOOR_OF = new Map(FLOORS.flatMap((rooms, floor) => rooms.map((room) => [room, floor])))

/** The problems of lib/ below `root`, one line each. */
export function libraryProblems(root) {
  const folder = path.join(root, 'lib')
  if (!fs.existsSync(folder)) return []
  const files = fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.ts$/.test(entry.name) && !/\.d\.ts$/.test(entry.name))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'))
    .sort()
  const graph = new Map(files.map((file) => [file, importsOf(root, file, new Set(files))]))
  return [...looseFiles(files), ...wrongFloors(graph), ...circles(graph), ...waysToAddon(graph)]
}

function looseFiles(files) {
  return files
    .filter((file) => roomOf(file) === undefined || (roomOf(file) === 'index' && file !== 'lib/index.ts'))
    .map((file) => `${file}  belongs into a room: lib/ itself holds index.ts only`)
}

function wrongFloors(graph) {
  const problems = []
  for (const [file, imports] of graph) {
    const room = roomOf(file)
    if (!FLOOR_OF.has(room)) {
      problems.push(`${file}  the room '${room}' stands on no floor: give it one in scripts/support/floors.mjs`)
      continue
    }
    for (const { target, isType } of imports) {
      const other = roomOf(target)
      if (isType || other === room || !FLOOR_OF.has(other) || FLOOR_OF.get(other) < FLOOR_OF.get(room)) continue
      problems.push(`${file}  imports upwards: ${room} is not above ${other} (${target})`)
    }
  }
  return problems
}

function circles(graph) {
  const shown = (circle) => [...circle, circle[0]].join(' → ')
  const running = circlesOf(graph, ({ isType }) => !isType)
  const all = circlesOf(graph, () => true)
  const problems = running.map((circle) => `${circle[0]}  a circle of imports: ${shown(circle)}`)
  if (all.length > MOST_TYPE_CIRCLES)
    problems.push(...all.map((circle) => `${circle[0]}  more than ${MOST_TYPE_CIRCLES} circles of types: ${shown(circle)}`))
  return problems
}

/** Strongly connected files, two or more (Tarjan 1972). */
function circlesOf(graph, counts) {
  const index = new Map()
  const low = new Map()
  const stack = []
  const found = []
  const visit = (file) => {
    index.set(file, index.size)
    low.set(file, index.get(file))
    stack.push(file)
    for (const { target } of (graph.get(file) ?? []).filter(counts)) {
      if (!index.has(target)) visit(target)
      if (stack.includes(target)) low.set(file, Math.min(low.get(file), low.get(target)))
    }
    if (low.get(file) !== index.get(file)) return
    const circle = stack.splice(stack.indexOf(file))
    if (circle.length > 1) found.push(circle)
  }
  for (const file of graph.keys()) if (!index.has(file)) visit(file)
  return found
}

function waysToAddon(graph) {
  return [...graph.keys()]
    .filter((file) => PURE.includes(roomOf(file)))
    .flatMap((file) => {
      const way = wayToAddon(graph, file, new Set())
      return way ? [`${file}  pure functions do not import the addon: ${way.join(' → ')}`] : []
    })
}

/** The chain of imports from a file to the addon, or undefined. */
function wayToAddon(graph, file, seen) {
  seen.add(file)
  for (const { target, isType } of graph.get(file) ?? []) {
    if (isType || seen.has(target)) continue
    if (ADDON.includes(target)) return [file, target]
    const rest = wayToAddon(graph, target, seen)
    if (rest) return [file, ...rest]
  }
  return undefined
}

/** The folder of lib/ that a file lies in; 'index' for files of lib/ itself; undefined for other modules. */
function roomOf(file) {
  const [lib, room, ...rest] = file.split('/')
  if (lib !== 'lib') return undefined
  return rest.length === 0 ? 'index' : room
}

/** Modules of lib/ as paths from the root, others unchanged. */
function importsOf(root, file, files) {
  const source = ts.createSourceFile(file, fs.readFileSync(path.join(root, file), 'utf8'), ts.ScriptTarget.Latest)
  return source.statements
    .filter((statement) => (ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)) && statement.moduleSpecifier)
    .map((statement) => ({ target: resolved(file, statement.moduleSpecifier.text, files), isType: isTypeOnly(statement) }))
}

function resolved(file, specifier, files) {
  if (!specifier.startsWith('.')) return specifier
  const target = path.posix.join(path.posix.dirname(file), specifier).replace(/\.js$/, '')
  return [`${target}.ts`, `${target}/index.ts`].find((name) => files.has(name)) ?? target
}

function isTypeOnly(statement) {
  if (ts.isExportDeclaration(statement)) {
    const { exportClause, isTypeOnly } = statement
    return isTypeOnly || (exportClause !== undefined && ts.isNamedExports(exportClause) && onlyTypes(exportClause.elements))
  }
  const clause = statement.importClause
  if (clause === undefined) return false
  const named = clause.namedBindings
  return clause.isTypeOnly || (clause.name === undefined && named !== undefined && ts.isNamedImports(named) && onlyTypes(named.elements))
}

function onlyTypes(elements) {
  return elements.length > 0 && elements.every((element) => element.isTypeOnly)
}
