import { readFileSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import ts from 'typescript'
import { scratch } from '../support/scratch'

const root = resolve(__dirname, '../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')

interface Block {
  line: number
  code: string
}

/** The blocks of TypeScript in a document, each by its first line there. */
function blocks(document: string): Block[] {
  return [...read(document).matchAll(/^```ts\n(.*?)^```$/gms)].map(({ index, 1: code }) => ({
    line: read(document).slice(0, index).split('\n').length + 1,
    code: code!,
  }))
}

/** A program of the blocks, as a user has them: ES modules that import 'sentorch'. */
function compile(documents: readonly string[]): { program: ts.Program; files: Map<string, { file: string; line: number }[]> } {
  const folder = scratch('sentorch-readme')
  const files = new Map<string, { file: string; line: number }[]>()
  for (const document of documents) {
    const [first, ...rest] = blocks(document)
    const keep = (name: string, { line, code }: Block) => {
      const file = join(folder, `${document.replaceAll(/\W/g, '-')}-${name}.mts`)
      writeFileSync(file, code)
      return { file, line }
    }
    const lines = first ? first.code.split('\n').length - 1 : 0
    for (const block of first ? [first, ...rest] : []) {
      const alone = keep(String(block.line), block)
      const after = block === first ? [] : [keep(`${block.line}-after`, { line: block.line - lines, code: first!.code + block.code })]
      files.set(`${document}:${block.line}`, [alone, ...after])
    }
  }
  const tsconfig = {
    compilerOptions: {
      strict: true,
      target: 'es2023',
      lib: ['es2023', 'esnext.disposable'],
      module: 'node20',
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
      paths: { sentorch: [join(root, 'lib/index.ts')] },
      noEmit: true,
      skipLibCheck: true,
    },
    include: ['*.mts'],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig))
  const { fileNames, options, errors } = ts.parseJsonConfigFileContent(tsconfig, ts.sys, folder)
  expect(errors).toEqual([])
  return { program: ts.createProgram([...fileNames, join(root, 'lib/index.ts')], options), files }
}

const DOCUMENTS = ['api', 'data', 'data-sets', 'heads', 'install', 'metrics', 'predict', 'report', 'trainer', 'training'].map(
  (name) => `docs/${name}.md`,
)

const { program, files } = compile(['README.md', ...DOCUMENTS])

test('README shows how to embed, and how to train and predict', () => {
  expect([...files.keys()].filter((place) => place.startsWith('README.md'))).toHaveLength(2)
})

/** A block is a complete program, or continues the first block of its document. */
test.each([...files])('%s compiles', (place, ways) => {
  const [alone, after = alone] = ways.map(({ file, line }) => problemsOf(file, place.split(':')[0]!, line))
  expect(alone!.length === 0 ? alone : after).toEqual([])
})

function problemsOf(file: string, document: string, line: number): string[] {
  const source = program.getSourceFile(file)
  return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
    ({ messageText, start = 0 }) =>
      `${document}:${line + source!.getLineAndCharacterOfPosition(start).line}  ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
  )
}

/** Names in the first column of the table below `<!-- options:NAME -->`. */
function tableOf(document: string, name: string): string[] {
  const table = read(document).split(`<!-- options:${name} -->`)[1]!.trimStart().split('\n\n')[0]!
  return [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, option]) => option!)
}

function optionsOf(file: string, name: string): string[] {
  const source = program.getSourceFile(join(root, file))!
  const declaration = source.statements.find((statement) => ts.isInterfaceDeclaration(statement) && statement.name.text === name)!
  return program.getTypeChecker().getTypeAtLocation(declaration).getProperties().map(({ name }) => name) // prettier-ignore
}

test.each([
  ['docs/api.md', 'EncodeOptions', 'lib/encode/options.ts'],
  ['docs/api.md', 'LoadOptions', 'lib/model/load-options.ts'],
  ['docs/training.md', 'TrainerOptions', 'lib/training/options/train.ts'],
])('the table in %s names every option of %s', (document, name, source) => {
  expect(tableOf(document, name).sort()).toEqual(optionsOf(source, name).sort())
})

test('docs/install.md promises the symbol versions of scripts/abi.json', () => {
  const { GLIBC, GLIBCXX, CXXABI } = JSON.parse(read('scripts/abi.json')) as Record<string, string>
  for (const promise of [`glibc ${GLIBC}`, `GLIBCXX_${GLIBCXX}`, `CXXABI_${CXXABI}`]) expect(read('docs/install.md')).toContain(promise)
})

test.each(['README.md', 'docs/benchmarks.md'])('bench has its places in %s', (document) => {
  for (const part of ['encode', 'training'])
    expect(read(document)).toMatch(new RegExp(`^<!-- bench:${part} -->\n[^]*?^<!-- /bench:${part} -->$`, 'm'))
})

test.each([
  'README.md',
  'CONTRIBUTING.md',
  ...DOCUMENTS,
  'docs/architecture.md',
  'docs/cli.md',
  'docs/defaults.md',
  'docs/dependencies.md',
  'docs/errors.md',
  'docs/models.md',
  'docs/results.md',
])('%s: links within the repository lead somewhere', (document) => {
  const links = [...read(document).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)]*))?\)/g)].map(([, file, anchor]) => {
    return { file: file === '' ? document : relative(root, join(root, document, '..', file!)), anchor }
  })
  expect(links.filter(({ file }) => !ts.sys.fileExists(join(root, file)))).toEqual([])
  expect(links.filter(({ file, anchor }) => anchor !== undefined && !anchorsOf(file).includes(anchor))).toEqual([])
})

/** As GitHub makes them of headings. */
function anchorsOf(document: string): string[] {
  const text = read(document).replace(/^```.*?^```$/gms, '')
  const seen = new Map<string, number>()
  return [...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) => {
    const anchor = heading!
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')
    const before = seen.get(anchor) ?? 0
    seen.set(anchor, before + 1)
    return before === 0 ? anchor : `${anchor}-${before}`
  })
}

test('anchors are made as GitHub makes them', () => {
  expect(anchorsOf('docs/api.md')).toEqual(expect.arrayContaining(['modelloadwhere-options', 'the-rest-of-model']))
})
