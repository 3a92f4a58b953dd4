import { Explained } from './console.mjs'
import { capture } from './process.mjs'

/** The newest GLIBC, GLIBCXX and CXXABI symbol version that an ELF file needs: `{ GLIBC: '2.34', … }`. */
export async function symbolVersions(file) {
  const { code, stdout, output } = await capture('readelf', ['--version-info', '--wide', file])
  if (code !== 0) throw new Explained(`readelf failed on ${file}:\n${output}`)
  const needs = stdout.slice(stdout.indexOf('.gnu.version_r'))
  const newest = {}
  for (const [, library, version] of needs.matchAll(/\bName: (GLIBC|GLIBCXX|CXXABI)_([\d.]+)/g)) {
    if (!newest[library] || compareVersions(version, newest[library]) > 0) newest[library] = version
  }
  return newest
}

/** Compares versions part by part: negative, zero or positive. 2.4 is older than 2.34. */
export function compareVersions(a, b) {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number))
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
