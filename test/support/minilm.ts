import { execFileSync } from 'node:child_process'
import path from 'node:path'

let folder = process.env.SENTORCH_TEST_MODEL

/** The folder of all-MiniLM-L6-v2: SENTORCH_TEST_MODEL, else where scripts/model.mjs finds it or puts it. */
export function minilm(): string {
  const script = path.join(__dirname, '..', '..', 'scripts', 'model.mjs')
  folder ||= execFileSync(process.execPath, [script, '--print'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim()
  return folder
}
