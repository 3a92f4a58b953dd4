import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { scratch } from './scratch'

/** Compiles a C file of this folder to a shared library, for LD_PRELOAD. */
export function preloadable(name: string): string {
  const library = join(scratch(), `${name}.so`)
  execFileSync('cc', ['-shared', '-fPIC', '-O1', join(__dirname, `${name}.c`), '-o', library, '-ldl'])
  return library
}
