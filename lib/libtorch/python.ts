import { execFile } from 'node:child_process'
import { dirname, parse } from 'node:path'

// find_spec of a top-level name imports nothing: torch itself takes seconds to import.
const SCRIPT = `
import importlib.util, json, sys
spec = importlib.util.find_spec('torch')
print(json.dumps({'executable': sys.executable, 'origin': spec.origin if spec else None}))
`

export interface PythonTorch {
  /** The interpreter that was asked; null when there is none or it gave no answer. */
  executable: string | null
  /** The `torch` folder that it would import; null when it has none. */
  folder: string | null
}

/** The interpreters that may be called `python3` here, in the order of asking. */
export function pythonNames(platform: NodeJS.Platform = process.platform): string[] {
  return platform === 'win32' ? ['python', 'py'] : ['python3']
}

/** Asks Python where its torch lies, without importing it. Never rejects. */
export async function askPython(env: NodeJS.ProcessEnv = process.env): Promise<PythonTorch> {
  for (const name of pythonNames()) {
    const answer = await run(name, env)
    if (answer) return answer
  }
  return { executable: null, folder: null }
}

function run(name: string, env: NodeJS.ProcessEnv): Promise<PythonTorch | null> {
  // `python -c` puts the working directory first on its path: at the root nobody's `torch/` or `json.py` is picked up by chance.
  const options = { env, cwd: parse(process.cwd()).root, timeout: 10_000, windowsHide: true }
  return new Promise((resolve) => {
    execFile(name, ['-c', SCRIPT], options, (error, stdout) => {
      if (error) return resolve(null)
      try {
        const { executable, origin } = JSON.parse(stdout) as { executable: string; origin: string | null }
        resolve({ executable, folder: origin === null ? null : dirname(origin) })
      } catch {
        resolve(null)
      }
    })
  })
}
