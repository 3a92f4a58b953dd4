// process.exit() while libtorch is being opened and the weights are read.
'use strict'
const { load } = require('./prepare.cjs')
void load()
setTimeout(() => process.exit(0), Number(process.argv[2]))
