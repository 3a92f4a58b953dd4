// Loads a model through the addon before libtorch was opened. Prints the error.
'use strict'
const { openFolder } = require('../../../dist/format/folder.js')
const { loadAddon } = require('../../../dist/native/addon.js')

async function main() {
  const { files, encoder, dense } = await openFolder(process.argv[2])
  const model = new (loadAddon().Model)()
  const request = { files, encoder, dense, dtype: 'float32', device: 'cpu', threads: 1, kernels: 'auto' }
  await model.load(request).catch(({ code, message }) => console.log(code, message))
  await model.dispose()
}
void main()
