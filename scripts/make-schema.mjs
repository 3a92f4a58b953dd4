// Writes schema/train.schema.json from the table of options in lib/cli/train-options.ts. Run `npm run build` first.
import fs from 'node:fs'
import { main } from './support/console.mjs'
import { inRoot } from './support/paths.mjs'

await main(async () => {
  const { configSchema } = await import(inRoot('dist/cli/train-config.js'))
  fs.mkdirSync(inRoot('schema'), { recursive: true })
  fs.writeFileSync(inRoot('schema/train.schema.json'), `${JSON.stringify(configSchema(), null, 2)}\n`)
})
