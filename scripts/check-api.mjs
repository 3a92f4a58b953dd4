// The public API as a report: the signatures of everything that lib/index.ts exports and of the types that these mention, without comments.
// Compares the committed report with lib/, or writes it.
// usage: node scripts/check-api.mjs [--write] [DIR]
import fs from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { createTwoFilesPatch } from 'diff'
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor'
import { Explained, green, main } from './support/console.mjs'
import { inRoot, root as here } from './support/paths.mjs'
import { capture } from './support/process.mjs'

const REPORT = 'etc/sentorch.api.md'
const { values, positionals } = parseArgs({ options: { write: { type: 'boolean', default: false } }, allowPositionals: true })
const root = path.resolve(positionals[0] ?? here)

await main(async () => {
  // Inside the project, so that imports of packages resolve as in lib/.
  fs.mkdirSync(path.join(root, 'build'), { recursive: true })
  const scratch = fs.mkdtempSync(path.join(root, 'build/api-'))
  try {
    await declare(scratch)
    compare(report(scratch))
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true })
  }
})

function compare(now) {
  const file = path.join(root, REPORT)
  const committed = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : ''
  if (now === committed) return console.log(`${green('✓')} ${REPORT} is the public API`)
  if (!values.write) {
    const difference = createTwoFilesPatch(REPORT, 'lib/', committed, now, undefined, undefined, { context: 2 })
    throw new Explained(
      `The public API is not what ${REPORT} says.\n${difference}\nIf this is intended, run \`npm run api\` and say in CHANGELOG.md what changes for users.`,
    )
  }
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, now)
  console.log(`${green('✓')} ${REPORT} is written. Say in CHANGELOG.md what changes for users.`)
}

/** Writes the declarations of lib/ in the layout of the package: dist/ next to binding.d.ts. Types are checked elsewhere. */
async function declare(scratch) {
  const outDir = path.join(scratch, 'dist')
  const compiler = inRoot('node_modules/typescript/bin/tsc')
  const { code, output } = await capture(process.execPath, [compiler, '-p', root, '--emitDeclarationOnly', '--noCheck', '--outDir', outDir])
  if (code !== 0) throw new Explained(`The declarations of lib/ could not be written:\n${output}`)
  fs.copyFileSync(path.join(root, 'binding.d.ts'), path.join(scratch, 'binding.d.ts'))
}

/** The report without the notes about missing comments: a comment is not part of the API. */
function report(scratch) {
  const errors = []
  Extractor.invoke(configuration(scratch), {
    localBuild: true,
    messageCallback(message) {
      message.handled = true
      if (message.logLevel === 'error') errors.push(message.text)
    },
  })
  if (errors.length > 0) throw new Explained(errors.join('\n'))
  const text = fs.readFileSync(path.join(scratch, path.basename(REPORT)), 'utf8')
  return text.replace(/^ *\/\/ \(undocumented\)\n/gm, '').replaceAll(' (undocumented)', '')
}

function configuration(scratch) {
  // Neither release tags nor comments are checked.
  const off = { default: { logLevel: 'none', addToApiReportFile: false } }
  const error = { default: { logLevel: 'error', addToApiReportFile: false } }
  return ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: path.join(root, 'package.json'),
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: path.join(scratch, 'dist/index.d.ts'),
      compiler: { tsconfigFilePath: path.join(root, 'tsconfig.json') },
      apiReport: {
        enabled: true,
        reportFileName: path.basename(REPORT),
        reportFolder: scratch,
        reportTempFolder: path.join(scratch, 'report'),
        includeForgottenExports: true,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      messages: { compilerMessageReporting: error, extractorMessageReporting: off, tsdocMessageReporting: off },
    },
  })
}
