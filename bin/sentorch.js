#!/usr/bin/env node
'use strict'
// Committed as it is, in old JavaScript: it must explain itself on any Node, and before anything was built.
var fs = require('fs')
var path = require('path')

var root = path.join(__dirname, '..')
var main = path.join(root, 'dist', 'cli', 'main.js')
var node = process.versions.node.split('.').map(Number)

if (node[0] < 20 || (node[0] === 20 && node[1] < 19)) {
  console.error('sentorch: Node 20.19 or newer is needed; this is ' + process.versions.node + '.')
  process.exitCode = 1
} else if (!fs.existsSync(main)) {
  console.error('sentorch: this clone is not built yet. Run `npm install` (which builds it) or `npm run build` in ' + root)
  process.exitCode = 1
} else {
  require(main).main()
}
