// Opens libraries that libtorch or the core are not, then the right ones. Prints each outcome.
'use strict'
const path = require('node:path')
const { findLibtorch } = require('../../../dist/libtorch/find.js')
const { addonFile, loadAddon } = require('../../../dist/native/addon.js')

async function main() {
  const { libraries } = await findLibtorch()
  const core = path.join(path.dirname(addonFile()), 'libsentorch_core.so')
  const requests = [
    { libraries: [core], core }, // without libtorch, which it needs
    { libraries: [], core },
    { libraries, core: libraries.find((file) => file.includes('libc10')) },
    { libraries, core },
  ]
  for (const request of requests) {
    const told = await loadAddon()
      .open(request)
      .then(
        () => 'opened',
        ({ code, message }) => `${code} ${message}`,
      )
    console.log(told)
  }
}
void main()
