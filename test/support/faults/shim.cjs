// Compiles shim.c, and what this side of its control file is.
'use strict'
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

/** As in shim.c. */
const FIELDS = ['enabled', 'at', 'errno', 'sticky', 'count', 'noExchange', 'moved']

/** Compiles the library into a folder and returns its path. */
function buildShim(folder) {
  const library = path.join(folder, 'shim.so')
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-Wall', '-Werror', '-o', library, path.join(__dirname, 'shim.c'), '-ldl'])
  return library
}

/** The numbers that a test and the processes under the shim share. */
class Control {
  #file

  constructor(file) {
    this.#file = file
    if (!fs.existsSync(file)) fs.writeFileSync(file, Buffer.alloc(4 * FIELDS.length))
  }

  get file() {
    return this.#file
  }

  /** Fields that are not named become 0. */
  set(values) {
    fs.writeFileSync(this.#file, Buffer.from(Int32Array.from(FIELDS, (name) => Number(values[name] ?? 0)).buffer), { flag: 'r+' })
  }

  /** How many calls were counted, and the number of the last that moved something. */
  read() {
    const numbers = new Int32Array(new Uint8Array(fs.readFileSync(this.#file)).buffer)
    return { calls: numbers[FIELDS.indexOf('count')], moved: numbers[FIELDS.indexOf('moved')] }
  }
}

/** For a process whose calls on files below `root` are counted. UV_USE_IO_URING: operations in the ring are not calls. */
function shimEnvironment(library, control, root) {
  return { ...process.env, NODE_OPTIONS: '', UV_USE_IO_URING: '0', LD_PRELOAD: library, SHIM_CONTROL: control.file, SHIM_ROOT: root }
}

module.exports = { buildShim, Control, shimEnvironment }
