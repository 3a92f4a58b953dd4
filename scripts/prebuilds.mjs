// Creates prebuilds/<platform>-<arch>/ (the addon and the core, stripped) from this machine's build.
import fs from 'node:fs'
import path from 'node:path'
import { main, note, ready, step } from './support/console.mjs'
import { inRoot, root } from './support/paths.mjs'
import { run } from './support/process.mjs'
import { setup } from './setup.mjs'

const target = `${process.platform}-${process.arch}`
const folder = inRoot('prebuilds', target)

await main(async () => {
  await setup()
  // prebuildify moves the addon out of the build folder, so it gets copies.
  const scratch = inRoot('build/prebuild')
  fs.rmSync(scratch, { recursive: true, force: true })
  fs.mkdirSync(scratch, { recursive: true })
  fs.rmSync(folder, { recursive: true, force: true })
  const args = ['--napi', '--strip', '--name', 'sentorch', '--cwd', scratch, '--out', root, '--node-gyp', inRoot('scripts/cmake-shim.mjs')]
  await step(`Making prebuilds/${target}`, () => run(process.execPath, [inRoot('node_modules/prebuildify/bin.js'), ...args]))
  for (const name of fs.readdirSync(folder)) note(`${(fs.statSync(path.join(folder, name)).size / 1e6).toFixed(2)} MB  ${name}`)
  ready(`prebuilds/${target} is ready`)
})
