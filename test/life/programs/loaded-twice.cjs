// Two copies of the package in one process, as two versions of a dependency give it.
'use strict'
const { load } = require('./prepare.cjs')
async function main() {
  const first = await load()
  for (const key of Object.keys(require.cache)) delete require.cache[key]
  const again = require('./prepare.cjs')
  const second = await again.load()
  await Promise.all([first.encode('one'), second.encode('two')])
  await first.dispose()
  await second.encode('three')
}
main()
