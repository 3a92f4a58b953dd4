// Has begun to write a folder, and lives on until it is killed.
'use strict'
const { Staging, targetOf } = require('../../../dist/files/staging.js')

async function main() {
  const staging = await Staging.create(await targetOf(process.argv[2]))
  console.log(staging.path)
  setInterval(() => staging, 1000)
}
void main()
