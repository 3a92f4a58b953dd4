/** Sets environment variables (undefined: unset) until the test ends. */
export function withEnvironment(values: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(values)) {
    if (!saved.has(name)) saved.set(name, process.env[name])
    assign(name, value)
  }
}

const saved = new Map<string, string | undefined>()
afterEach(() => {
  for (const [name, value] of saved) assign(name, value)
  saved.clear()
})

function assign(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name]
  else process.env[name] = value
}
