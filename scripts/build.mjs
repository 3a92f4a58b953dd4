// Compiles lib/ into dist/.
import { main } from './support/console.mjs'
import { buildTypeScript } from './support/typescript.mjs'

await main(buildTypeScript)
