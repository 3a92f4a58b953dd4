// Loads, encodes, does not dispose: an idle model must not keep the process alive.
'use strict'
const { load } = require('./prepare.cjs')
load().then((model) => model.encode('hello'))
