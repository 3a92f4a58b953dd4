import { readdirSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import ts from 'typescript'

const root = resolve(__dirname, '../..')
const folder = join(root, 'test/types')
const files = readdirSync(folder).map((name) => join(folder, name))

const { config } = ts.readConfigFile(join(root, 'test/tsconfig.json'), ts.sys.readFile)
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, join(root, 'test'))
const program = ts.createProgram(files, options)

test.each(files.map((file) => [relative(root, file), file]))('%s compiles', (_name, file) => {
  const source = program.getSourceFile(file)!
  const problems = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
  expect(
    problems.map(({ messageText, start = 0 }) => {
      const { line } = source.getLineAndCharacterOfPosition(start)
      return `${relative(root, file)}:${line + 1}  ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
    }),
  ).toEqual([])
})
