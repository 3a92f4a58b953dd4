import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import * as doctor from './doctor'
import * as encode from './encode'
import * as evaluate from './evaluate'
import * as inspect from './inspect'
import * as installLibtorch from './install-libtorch'
import * as predict from './predict'
import * as search from './search'
import * as similarity from './similarity'
import * as train from './train'
import { reportError } from './console'

/** Defines the command line. Incorrect usage throws a `CommanderError` instead of ending the process. */
function createProgram(): Command {
  const { version, description } = JSON.parse(readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8')) as Record<string, string>
  const program = new Command('sentorch')
    .description(description!)
    .version(version!)
    .option('--verbose', 'print the stack trace of an error')
    .exitOverride()
    .showHelpAfterError("(run with '--help' for a list of options)")
  for (const command of [train, predict, evaluate, inspect, similarity, search, encode, doctor, installLibtorch]) command.register(program)
  return program
}

/** Runs the command line. Sets the exit code and lets the process end on its own. */
export async function main(argv: readonly string[] = process.argv): Promise<void> {
  const program = createProgram()
  try {
    await program.parseAsync(argv)
  } catch (error) {
    process.exitCode = reportError(error, process.stderr, program.opts<{ verbose?: boolean }>().verbose ?? false)
  }
}
