/** Why JSON.parse failed, without the piece of the text that V8 quotes: a message may reach people who must not see the file. */
export function jsonProblem(error: unknown): string {
  return (error as Error).message.replace(/, (\.\.\.)?".*is not valid JSON$/s, ' is not valid there')
}
