// Saves in which one call fails, or every call from one on.
'use strict'
const { spawn } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const readline = require('node:readline')
const { callOf, random, scenarios } = require('./cases.cjs')
const { buildShim, Control, shimEnvironment } = require('./shim.cjs')

const NAMES = ['EIO', 'ENOSPC', 'EDQUOT', 'EACCES', 'EMFILE', 'EROFS', 'ENOLCK', 'EINVAL', 'EXDEV', 'ENOSYS']

/** Runs `count` cases on copies of a model's folder. Resolves to the violations. */
async function runErrnos({ source, count, seed }) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sentorch-errnos-'))
  const root = path.join(folder, 'root')
  const control = new Control(path.join(folder, 'control'))
  const environment = shimEnvironment(buildShim(folder), control, root)
  const child = spawn(process.execPath, [path.join(__dirname, 'saver.cjs'), source, root], {
    env: environment,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text))
  const answers = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ask = async (one) => {
    child.stdin.write(`${JSON.stringify(one)}\n`)
    const { done, value } = await answers.next()
    if (done) throw new Error(`the process ended with ${JSON.stringify(one)}: ${stderr}`)
    return JSON.parse(value)
  }
  const next = random(seed)
  const problems = []
  try {
    const counted = []
    for (const scenario of scenarios()) counted.push({ scenario, ...(await ask(scenario)) })
    for (let i = 0; i < count; i++) {
      const { scenario, ...calls } = counted[i % counted.length]
      const name = NAMES[Math.floor(next() * NAMES.length)]
      const one = { ...scenario, at: callOf(calls, i, next), errno: os.constants.errno[name], sticky: next() < 0.25 }
      const { problem } = await ask(one)
      if (problem) problems.push(`${name} ${JSON.stringify(one)}: ${problem}`)
    }
    child.stdin.end()
    await new Promise((resolve) => child.once('close', resolve))
    if (stderr !== '') problems.push(`stderr: ${stderr}`)
  } catch (error) {
    problems.push(error.message)
  } finally {
    child.kill('SIGKILL')
    fs.rmSync(folder, { recursive: true, force: true })
  }
  return problems
}

module.exports = { runErrnos }
