import { Option, type Command } from 'commander'
import { TRAIN_OPTIONS, type TrainOption } from './train-options'
import { addFields, finite, integer, valueOf } from './values'

/** The flag of an option: `learningRate` is `--learning-rate`. */
export function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** Adds a flag for every option of the table. */
export function addFlags(command: Command): Command {
  for (const [key, option] of Object.entries(TRAIN_OPTIONS)) for (const flag of flagsOf(key, option)) command.addOption(flag)
  return command
}

/** One flag, or for a boolean two: `--uncertainty` and `--no-uncertainty`. */
function flagsOf(key: string, { value, description, shown, repeats }: TrainOption): Option[] {
  const name = flagOf(key)
  if ('enum' in value) return [new Option(`${name} <name>`, description).choices(value.enum)]
  if (value.type === 'boolean') return [new Option(name, description), new Option(name.replace('--', '--no-')).hideHelp()]
  const flag = new Option(`${name} <${shown ?? (value.type === 'integer' ? 'n' : 'number')}>`, description)
  if (repeats) return [flag.argParser((text: string, list: string[] | undefined) => [...(list ?? []), text])]
  if (value.type === 'string') return [flag]
  if (value.type === 'object') return [flag.argParser(addFields)]
  if (value.type === 'integer') return [flag.argParser(integer)]
  if (value.type === 'number') return [flag.argParser(finite)]
  // Text, JSON, or the short form of an object.
  return [flag.argParser((text: string) => (/^\w+=/.test(text) ? addFields(text) : valueOf(text)))]
}
