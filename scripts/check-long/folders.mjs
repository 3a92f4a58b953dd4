// Changes files of sound model and checkpoint folders and opens them, in child processes. Whatever is in a folder, it opens and works, or is
// refused with a typed error, in bounded time and memory; nothing outside the folder is shown, and what was saved loads again.
// usage: node scripts/check-long/folders.mjs [COUNT] [SEED] [KIND]      KIND with COUNT = N..M: those cases alone, to repeat a finding
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { main } from '../support/console.mjs'
import { inRoot } from '../support/paths.mjs'
import { makeFolders } from './support/folders-base.mjs'

const [count = '20000', seed = '1', only] = process.argv.slice(2)
const CHUNK = 100
const HANG_SECONDS = 60
const MOST_MB = 1500

await main(async () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'sentorch-folders-'))
  try {
    const all = await makeFolders(root)
    const kinds = only ? [only] : all
    const found = { cases: 0, outcomes: {}, wrong: [], slowest: 0, peakMB: 0 }
    const queue = chunks(kinds)
    const worker = async () => {
      for (let chunk = queue.shift(); chunk; chunk = queue.shift()) await runChunk(root, chunk, found)
    }
    await Promise.all(Array.from({ length: os.availableParallelism() }, worker))
    report(found)
  } finally {
    fs.rmSync(root, { recursive: true, force: true })
  }
})

function chunks(kinds) {
  const [first, end] = count.includes('..') ? count.split('..').map(Number) : [0, Math.ceil(Number(count) / kinds.length)]
  const all = []
  for (let from = first; from < end; from += CHUNK) for (const kind of kinds) all.push({ kind, from, to: Math.min(end, from + CHUNK) })
  return all
}

/** A child that crashes or hangs is a finding; the remaining cases run in another child. */
async function runChunk(root, { kind, from, to }, found) {
  while (from < to) {
    const { next, current, ended, stderr } = await runChild(root, kind, from, to, found)
    if (ended) found.wrong.push({ kind, ...current, wrong: `${ended} ${stderr.slice(-500)}` })
    from = next
  }
}

function runChild(root, kind, from, to, found) {
  return new Promise((resolve, reject) => {
    const program = inRoot('scripts/check-long/support/folders-child.mjs')
    const child = spawn(process.execPath, [program, root, kind, seed, String(from), String(to)], { stdio: ['ignore', 'pipe', 'pipe'] })
    let current = {}
    let next = from
    let hung = false
    let timer
    const arm = () => {
      clearTimeout(timer)
      timer = setTimeout(() => {
        hung = true
        child.kill('SIGKILL')
      }, HANG_SECONDS * 1000)
    }
    arm()
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr = (stderr + text).slice(-2000)))
    let rest = ''
    child.stdout.setEncoding('utf8').on('data', (text) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop()
      for (const line of lines.map((each) => JSON.parse(each))) {
        arm()
        current = { number: line.number, what: line.what }
        if (line.outcome === undefined) continue
        next = line.number + 1
        add(found, kind, line)
      }
    })
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      const ended = hung
        ? `did not end within ${HANG_SECONDS} s`
        : (signal ?? code)
          ? `ended with ${signal ?? `exit code ${code}`}`
          : undefined
      // A failure before the first case would otherwise be repeated forever.
      resolve({ next: ended ? (current.number ?? next) + 1 : to, current, ended, stderr })
    })
  })
}

function add(found, kind, { number, what, outcome, wrong, milliseconds, peakMB }) {
  found.cases++
  found.outcomes[outcome] = (found.outcomes[outcome] ?? 0) + 1
  found.slowest = Math.max(found.slowest, milliseconds)
  found.peakMB = Math.max(found.peakMB, peakMB)
  if (wrong) found.wrong.push({ kind, number, what, wrong })
  if (peakMB > MOST_MB) found.wrong.push({ kind, number, what, wrong: `used ${peakMB} MB` })
}

function report({ cases, outcomes, wrong, slowest, peakMB }) {
  for (const { kind, number, what, wrong: why } of wrong.slice(0, 40)) console.error(`${kind} case ${number} (${what}): ${why}`)
  const opened = outcomes.opened ?? 0
  const codes = Object.keys(outcomes).filter((code) => code !== 'opened')
  console.log(
    `${cases} changed folders (seed ${seed}): ${opened} opened and worked, ${cases - opened} refused with ${codes.length} codes, ${wrong.length} faults; ` +
      `slowest ${(slowest / 1000).toFixed(1)} s, at most ${peakMB} MB`,
  )
  if (wrong.length > 0 || cases === 0) process.exitCode = 1
}
