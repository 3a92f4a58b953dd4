// Saves whose process is killed (SIGKILL) before one of their calls; then another process opens the folder and saves over it.
'use strict'
const { spawn } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { callOf, random, scenarios } = require('./cases.cjs')
const { Saver, folderOf, generationIn, problemOfLitter } = require('./saves.cjs')
const { buildShim, Control, shimEnvironment } = require('./shim.cjs')

/** Processes at a time. */
const SIDE_BY_SIDE = 2

/** Runs `count` cases on copies of a model's folder. Resolves to the violations. */
async function runKills({ source, count, seed }) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sentorch-kills-'))
  const library = buildShim(folder)
  const next = random(seed)
  const problems = []
  try {
    const counted = await saves(scenarios(), {
      source,
      library,
      root: path.join(folder, 'count'),
      control: new Control(path.join(folder, 'control')),
    })
    if (counted.stderr !== '') return [counted.stderr]
    const cases = Array.from({ length: count }, (_, i) => {
      const { calls, moved, ...scenario } = counted.answers[i % counted.answers.length]
      return { ...scenario, at: callOf({ calls, moved }, i, next), place: path.join(folder, String(i)) }
    })
    const queue = cases.values()
    const worker = async () => {
      for (const { place, ...one } of queue) {
        const root = path.join(place, 'root')
        fs.mkdirSync(root, { recursive: true })
        const problem = await killed(one, { source, library, root, control: new Control(path.join(place, 'control')) })
        if (problem) problems.push(`${JSON.stringify(one)}: ${problem}`)
        fs.rmSync(place, { recursive: true, force: true })
      }
    }
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, worker))
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
  return problems
}

async function killed(one, place) {
  // A run that makes fewer calls than the counted one ends by itself.
  const { signal, stderr } = await saves([one], place)
  if (stderr !== '') return `ended with ${signal}: ${stderr}`
  const { kind, before } = one
  const folder = folderOf(place.root, kind)
  const found = await generationIn(kind, folder).catch((failure) => `cannot be opened: ${failure.message}`)
  const expected = before ? [1, 2] : [undefined, 1]
  if (!expected.includes(found)) return `the folder is ${found} in place of ${expected.join(' or ')}`
  const saver = new Saver(place.source, place.root)
  try {
    const { error } = await saver.saveOver(kind)
    return error ? `the next save fails: ${error}` : problemOfLitter(folder)
  } finally {
    await saver.close()
  }
}

/** Runs the cases one after another in a process of their own, until it ends. */
async function saves(cases, { source, library, root, control }) {
  const child = spawn(process.execPath, [path.join(__dirname, 'saver.cjs'), source, root], {
    env: shimEnvironment(library, control, root),
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text))
  child.stdin.on('error', () => {})
  child.stdin.end(cases.map((one) => `${JSON.stringify(one)}\n`).join(''))
  const [, signal] = await new Promise((resolve) => child.once('close', (...ending) => resolve(ending)))
  const lines = stdout.split('\n').filter(Boolean)
  const answers = lines.map((line, i) => {
    const { calls, moved } = JSON.parse(line)
    return { ...cases[i], calls, moved }
  })
  return { answers, signal, stderr }
}

module.exports = { runKills }
