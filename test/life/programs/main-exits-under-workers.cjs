// The main thread calls process.exit() while a worker encodes.
'use strict'
const path = require('node:path')
const { Worker } = require('node:worker_threads')
new Worker(path.join(__dirname, 'encodes-for-long.cjs')).once('message', () => process.exit(5))
