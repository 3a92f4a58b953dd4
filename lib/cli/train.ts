import { Option, type Command } from 'commander'
import { examples, misuse } from './console'
import type { TrainConfig } from './train-config'
import { addFlags } from './train-flags'

/** Flags that are not part of a configuration. */
export interface RunFlags {
  config?: string
  resume?: boolean
  overwrite?: boolean
  json?: boolean
}

export function register(program: Command): void {
  const command = program
    .command('train')
    .description('Train a model on labelled sentences. Its heads are made from the labels of the data.')
    .addOption(new Option('--config <file>', 'JSON file with any of the options below, by their names in camel case; flags replace them'))
    .option('--resume', 'continue the run in the folder --output; --epochs and --max-steps may be larger than before')
    .option('--overwrite', 'replace an earlier run in the folder --output')
    .option('--json', 'print the result as JSON on stdout, and everything else on stderr')
  addFlags(command)
  examples(command, [
    ['train intents and slots, and evaluate after each epoch', 'sentorch train --model sentence-transformers/all-MiniLM-L6-v2 --train train.jsonl --eval dev.jsonl --output my-model'],
    ['columns of a table', 'sentorch train --model base --train reviews.csv --eval-share 0.1 --reader text=review,labels.stars=stars --output my-model'],
    ['a hidden layer, another loss weight, early stopping', 'sentorch train --config train.json --head intent.hidden=[128] --tasks slots.weight=2 --early-stopping patience=2'],
    ['continue after Ctrl-C', 'sentorch train --resume --output my-model'],
  ]) // prettier-ignore
  command.action(async ({ config, resume, overwrite, json, ...flags }: RunFlags & TrainConfig, command: Command) => {
    if (resume && overwrite) misuse(command, '--resume continues the run that --overwrite would remove. Leave one of them out.')
    // Loaded here, so that the other commands start without the code that trains.
    const { runTraining } = await import('./train-run.js')
    await runTraining({ config, resume, overwrite, json }, flags)
  })
}
