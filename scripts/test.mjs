// Sets up what is missing, then runs the tests: those of the native core, then jest's. Arguments go to jest, which then runs alone:
// npm test -- test/unit -t 'abort'
import { main, ready, step } from './support/console.mjs'
import { inRoot } from './support/paths.mjs'
import { run } from './support/process.mjs'
import { testCore } from './core-tests.mjs'
import { getModel } from './model.mjs'
import { setup } from './setup.mjs'

await main(async () => {
  await setup()
  const model = await getModel((line) => console.log(`  ${line}`))
  ready(`all-MiniLM-L6-v2 is in ${model}`)
  const chosen = process.argv.slice(2).some((argument) => !/^--(json|outputFile=.*)$/.test(argument))
  if (!chosen) await testCore()
  await step('Running the tests', () => run(process.execPath, [inRoot('node_modules/jest/bin/jest.js'), ...process.argv.slice(2)]))
})
