/** Why JSON.parse failed, without the piece of the text that V8 quotes: a message may reach people who must not see the file. */
export function jsonProblem(error: unknown): string {
  return (error as Error).message.replace(/, (\.\.\.)?".*is not valid JSON$/s, ' is not valid there')
}

/** What jsonc-parser finds; undefined in a text that is nested too deeply for it: it descends by recursion, which JSON.parse does not. */
export function unlessTooDeep<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
