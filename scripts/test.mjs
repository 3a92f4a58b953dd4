// Sets up what is missing, then runs the tests. Arguments go to jest: npm test -- test/unit -t 'abort'
import { main, ready, step } from './support/console.mjs'
import { inRoot } from './support/paths.mjs'
import { run } from './support/process.mjs'
import { getModel } from './model.mjs'
import { setup } from './setup.mjs'

await main(async () => {
  await setup()
  const model = await getModel((line) => console.log(`  ${line}`))
  ready(`all-MiniLM-L6-v2 is in ${model}`)
  await step('Running the tests', () => run(process.execPath, [inRoot('node_modules/jest/bin/jest.js'), ...process.argv.slice(2)]))
})
