import { Option, type Command } from 'commander'
import { DATA_FORMATS, type DataFormat } from './data-formats'
import { addFields } from './values'

/** Flags of commands that read labelled data. */
export interface DataFlags {
  format?: DataFormat
  reader?: Record<string, unknown>
}

export function addDataFlags(command: Command): Command {
  return command
    .addOption(new Option('--format <name>', 'format of the data (default: from the name of the file)').choices(DATA_FORMATS))
    .addOption(
      new Option('--reader <option=value>', 'options of the reader: text=sentence,labels.intent=class (columns), split=test').argParser(
        addFields,
      ),
    )
}
