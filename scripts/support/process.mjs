import { spawn } from 'node:child_process'
import { Explained } from './console.mjs'
import { root } from './paths.mjs'

/**
 * Runs a command in the project's folder with inherited output.
 * Rejects with an explained error if it fails or cannot be started.
 */
export async function run(command, args, options = {}) {
  const { code, signal } = await start(command, args, { stdio: 'inherit', ...options })
  if (code !== 0) throw new Explained(`${shown(command, args)} ended with ${signal ?? `exit code ${code}`}.`)
}

/** Runs a command. Returns how it ended and what it printed (`output`: both streams combined); `onText` receives the output as it arrives. */
export async function capture(command, args, { onText, ...options } = {}) {
  let stdout = ''
  let stderr = ''
  let output = ''
  const end = await start(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options }, (child) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text
        if (stream === child.stdout) stdout += text
        else stderr += text
        onText?.(text)
      })
    }
  })
  return { ...end, stdout, stderr, output }
}

function start(command, args, options, onSpawn) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, windowsHide: true, ...options })
    child.once('error', (error) => reject(new Explained(`${command} could not be started: ${error.message}`)))
    child.once('close', (code, signal) => resolve({ code, signal }))
    onSpawn?.(child)
  })
}

/** npm, which on Windows is a .cmd file that only a shell can start. */
export function npm(args, options) {
  const npmCli = process.env.npm_execpath
  if (npmCli?.endsWith('.js')) return run(process.execPath, [npmCli, ...args], options)
  return run('npm', args, { shell: process.platform === 'win32', ...options })
}

function shown(command, args) {
  const name = command === process.execPath ? 'node' : command
  return [name, ...args].join(' ')
}
