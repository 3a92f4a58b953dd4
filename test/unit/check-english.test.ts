import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const root = path.resolve(__dirname, '../..')
let folder: string

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sentorch-english-'))
  fs.mkdirSync(path.join(folder, 'lib'))
})

afterEach(() => fs.rmSync(folder, { recursive: true, force: true }))

function check(line: string): { status: number | null; stderr: string } {
  fs.writeFileSync(path.join(folder, 'lib', 'a.ts'), `export const a = 1\n${line}\n`)
  return spawnSync(process.execPath, [path.join(root, 'scripts/check-english.mjs'), folder], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  })
}

test.each([
  ['// A FIFO is no file.', "'is no f'"],
  ['throw new Error(`The tag ${tag} is none of ${scheme}.`)', "'is none of'"],
  ['/** Waits so many milliseconds. */', "'so many'"],
  ['// The next one goes on.', "'goes on'"],
  ['  /** Of the top layer. */', "'* Of t'"],
  ['// Of a failed save.', "'// Of a'"],
  ['// Has the folder a manifest, or has it not?', "'has it not'"],
  ['// The reader is content with that.', "'is content'"],
  ['// The folder keeps what it has.', "'keeps what it has'"],
  ["const message = `made with other the option 'epochs'`", "'other the option'"],
  ['// Under use: under the hands of the native thread.', "'under the hands'"],
  ['// What is no product runs elsewhere.', "'What is no'"],
  ['// A folder beside the target.', "'beside'"],
])('%s is found', (line, phrase) => {
  const { status, stderr } = check(line)
  expect(stderr).toContain(`lib/a.ts:2  ${phrase}: write `)
  expect(status).toBe(1)
})

test.each(['// It is no longer needed.', '// There is no such file.', '// Offsets besides these.', '// Many of them, and so on.'])(
  '%s is accepted',
  (line) => {
    expect(check(line)).toMatchObject({ status: 0, stderr: '' })
  },
)
