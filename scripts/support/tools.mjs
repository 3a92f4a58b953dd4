/** The tools that a native build needs, and the command that installs the missing ones. */
import fs from 'node:fs'
import path from 'node:path'
import { Explained } from './console.mjs'

const TOOLS = [
  { what: 'CMake', commands: ['cmake'], apt: 'cmake', dnf: 'cmake', apk: 'cmake', brew: 'cmake', choco: 'cmake' },
  { what: 'a C++20 compiler', commands: ['c++', 'g++', 'clang++'], apt: 'g++', dnf: 'gcc-c++', apk: 'g++' },
  { what: 'make or ninja', commands: ['make', 'ninja'], apt: 'make', dnf: 'make', apk: 'make' },
]

const INSTALLERS = [
  { name: 'apt-get', key: 'apt', line: (names) => `sudo apt-get install -y ${names}` },
  { name: 'dnf', key: 'dnf', line: (names) => `sudo dnf install -y ${names}` },
  { name: 'apk', key: 'apk', line: (names) => `sudo apk add ${names}` },
  { name: 'brew', key: 'brew', line: (names) => `brew install ${names}` },
  { name: 'choco', key: 'choco', line: (names) => `choco install ${names}` },
]

/** The absolute path of a command, or undefined. */
export function which(command) {
  const extensions = process.platform === 'win32' ? ['.exe', '.cmd', '.bat'] : ['']
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    for (const extension of extensions) {
      const file = path.join(folder, command + extension)
      if (folder && fs.existsSync(file)) return file
    }
  }
  return undefined
}

/** Throws an explained error that names every missing tool of the native build at once. */
export function requireBuildTools() {
  const missing = TOOLS.filter(({ commands }) => !(commands[0] === 'c++' && process.env.CXX) && !commands.some(which))
    // Visual Studio is not on PATH; cmake finds it, including its build tool.
    .filter(({ commands }) => process.platform !== 'win32' || commands[0] === 'cmake')
  if (missing.length > 0) throw new Explained(explain(missing))
}

function explain(missing) {
  const lines = [`sentorch is built from source here, and that needs ${missing.map(({ what }) => what).join(' and ')}.`]
  const installer = INSTALLERS.find(({ name }) => which(name))
  const names = missing.map((tool) => tool[installer?.key]).filter(Boolean)
  if (names.length > 0) lines.push(`Install with:  ${installer.line(names.join(' '))}`)
  if (process.platform === 'darwin' && missing.some(({ apt }) => apt !== 'cmake')) lines.push('Compiler:      xcode-select --install')
  if (process.platform === 'win32') lines.push('Compiler:      the C++ workload of the Visual Studio Build Tools')
  return lines.join('\n  ')
}
