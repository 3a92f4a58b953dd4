import type { Command } from 'commander'

/** Adds example calls to the end of a command's help. */
export function examples(command: Command, calls: readonly (readonly [what: string, call: string])[]): void {
  const lines = calls.map(([what, call]) => `  # ${what}\n  $ ${call}`)
  command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`)
}
