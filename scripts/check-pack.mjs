// Packs the package, installs the tarball into an empty folder with scripts disabled, and uses it there.
// usage: node scripts/check-pack.mjs [--node EXECUTABLE]…      each program runs under this Node and under the given ones
import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { Explained, green, main, red } from './support/console.mjs'
import { compareVersions, symbolVersions } from './support/elf-versions.mjs'
import { inRoot } from './support/paths.mjs'
import { capture, npm } from './support/process.mjs'
import { getModel } from './model.mjs'

const MAX_BYTES = 12e6
const TEXTS = ['A cat sleeps on the sofa.', 'A kitten naps on the couch.', 'The tax return is due in May.']
const target = `${process.platform}-${process.arch}`
const abi = JSON.parse(fs.readFileSync(inRoot('scripts/abi.json'), 'utf8'))
const { values } = parseArgs({ options: { node: { type: 'string', multiple: true, default: [] } } })

let passed = 0
let failed = 0

async function check(name, work) {
  try {
    await work()
    passed++
    console.log(`${green('✓')} ${name}`)
  } catch (error) {
    failed++
    console.log(`${red('✗')} ${name}\n${error?.code === 'ERR_ASSERTION' || error instanceof Explained ? error.message : error?.stack}`)
  }
}

/** Runs a program until it ends by itself: exit code 0, empty stderr. Returns stdout. */
async function clean(command, args, options) {
  const { code, signal, stdout, stderr } = await capture(command, args, options)
  assert.equal(stderr, '', `${path.basename(command)} ${args.join(' ')} wrote to stderr`)
  assert.equal(code, 0, `${path.basename(command)} ${args.join(' ')} ended with ${signal ?? code}`)
  return stdout
}

await main(async () => {
  const prebuilt = inRoot('prebuilds', target)
  if (!fs.existsSync(prebuilt)) throw new Explained(`prebuilds/${target} does not exist. Run: npm run prebuilds`)
  const model = await getModel()
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sentorch-pack-'))
  try {
    if (process.platform === 'linux') for (const file of fs.readdirSync(prebuilt)) await checkSymbols(path.join(prebuilt, file))
    await checkPromise()
    const tarball = await checkTarball(folder)
    const installed = path.join(folder, 'app')
    await check('installs into an empty folder without scripts', () => install(tarball, installed))
    await check('TypeScript programs compile, the declaration files checked too', () => compile(installed))
    for (const node of [process.execPath, ...values.node]) await checkPrograms(node, installed, model)
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
  console.log(`\n${passed} passed, ${failed} failed`)
  if (failed > 0) process.exitCode = 1
})

async function checkSymbols(file) {
  const name = path.basename(file)
  await check(`${name} needs no newer runtime than docs/install.md promises`, async () => {
    const versions = await symbolVersions(file)
    for (const [library, promised] of Object.entries(abi)) {
      const needed = versions[library]
      assert.ok(
        !needed || compareVersions(needed, promised) <= 0,
        `${name} needs ${library}_${needed}; scripts/abi.json promises ${promised}`,
      )
    }
  })
}

async function checkPromise() {
  await check('docs/install.md promises what scripts/abi.json holds', () => {
    const document = fs.readFileSync(inRoot('docs/install.md'), 'utf8')
    for (const words of [`glibc ${abi.GLIBC}`, `GLIBCXX_${abi.GLIBCXX}`])
      assert.ok(document.includes(words), `docs/install.md does not say "${words}"`)
  })
}

async function checkTarball(folder) {
  const { code, stdout, output } = await packed(folder)
  if (code !== 0) throw new Explained(`npm pack failed:\n${output}`)
  const [{ filename, size, files }] = Object.values(JSON.parse(stdout))
  const names = files.map((file) => file.path)
  await check(`the tarball is smaller than ${MAX_BYTES / 1e6} MB (${(size / 1e6).toFixed(2)} MB)`, () =>
    assert.ok(size < MAX_BYTES, `${size} bytes`),
  )
  await check('the tarball holds what is needed', () => {
    const needed = [
      'package.json',
      'README.md',
      'LICENSE',
      'CHANGELOG.md',
      'SECURITY.md',
      'binding.d.ts',
      'bin/sentorch.js',
      'dist/index.js',
      'dist/index.d.ts',
      'models/mini/model.safetensors',
      'models/mini/README.md',
    ]
    for (const name of [...needed, ...fs.readdirSync(inRoot('prebuilds', target)).map((file) => `prebuilds/${target}/${file}`)]) {
      assert.ok(names.includes(name), `${name} is missing`)
    }
  })
  await check('the tarball holds nothing else', () => {
    const allowed =
      /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|SECURITY\.md|binding\.d\.ts|bin\/[\w-]+\.js|dist\/[\w/-]+(\.d\.ts|\.js)|docs\/[\w/.-]+\.md|schema\/[\w.-]+\.json|models\/mini\/(\w+\/)?[\w-]+\.(json|safetensors|md)|prebuilds\/[\w-]+\/(sentorch\.node|(lib)?sentorch_core\.(so|dylib|dll)))$/
    assert.deepEqual(
      names.filter((name) => !allowed.test(name)),
      [],
    )
  })
  return path.join(folder, filename)
}

/** `npm pack` without `prepare`: it packs the result of `npm run prebuilds`. */
function packed(folder) {
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]
  const npmCli = process.env.npm_execpath
  return npmCli?.endsWith('.js') ? capture(process.execPath, [npmCli, ...args]) : capture('npm', args)
}

async function install(tarball, installed) {
  fs.mkdirSync(installed)
  fs.writeFileSync(path.join(installed, 'package.json'), '{ "private": true }\n')
  await npm(['install', tarball, '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel', 'error'], {
    cwd: installed,
  })
  for (const gone of ['build', 'native', 'lib'])
    assert.ok(!fs.existsSync(path.join(installed, 'node_modules/sentorch', gone)), `${gone} was installed`)
}

async function compile(installed) {
  const programs = inRoot('test/pack')
  for (const name of ['program.cjs', 'program.mjs', 'worker.cjs', 'report.cjs', 'typed.mts'])
    fs.copyFileSync(path.join(programs, name), path.join(installed, name))
  fs.copyFileSync(path.join(programs, 'typed.mts'), path.join(installed, 'typed.cts'))
  const options = {
    strict: true,
    target: 'es2022',
    module: 'nodenext',
    skipLibCheck: false,
    lib: ['es2023', 'esnext.disposable'],
    typeRoots: [inRoot('node_modules/@types')],
    types: ['node'],
  }
  fs.writeFileSync(path.join(installed, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['typed.mts', 'typed.cts'] }))
  const { code, output } = await capture(process.execPath, [inRoot('node_modules/typescript/bin/tsc'), '-p', installed])
  assert.equal(code, 0, output)
}

async function checkPrograms(node, installed, model) {
  const version = (await clean(node, ['--version'])).trim()
  let reference
  const programs = {
    CommonJS: 'program.cjs',
    'an ES module': 'program.mjs',
    'a worker thread': 'worker.cjs',
    'TypeScript (ESM)': 'typed.mjs',
    'TypeScript (CommonJS)': 'typed.cjs',
  }
  for (const [kind, file] of Object.entries(programs)) {
    await check(`${version}: encode from ${kind}`, async () => {
      const { vectors, native } = JSON.parse(await clean(node, [file, model, ...TEXTS], { cwd: installed }))
      reference ??= vectors
      assert.deepEqual(vectors, reference, 'other vectors than the first program')
      const [cat, kitten, tax] = vectors
      assert.ok(Math.abs(Math.hypot(...cat) - 1) < 1e-5, 'not a unit vector')
      assert.ok(dot(cat, kitten) > 0.5 && dot(cat, tax) < 0.2, `similarities ${dot(cat, kitten)} and ${dot(cat, tax)}`)
      if (native)
        assert.ok(
          native.length >= 2 && native.every((opened) => opened.includes(`prebuilds${path.sep}${target}`)),
          `opened ${native.join(', ')}`,
        )
    })
  }
  await check(`${version}: the command line's doctor reports no errors`, () =>
    clean(node, ['node_modules/sentorch/bin/sentorch.js', 'doctor'], { cwd: installed }),
  )
}

function dot(a, b) {
  return a.reduce((sum, value, index) => sum + value * b[index], 0)
}
