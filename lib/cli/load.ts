import type { Command } from 'commander'
import { Option } from 'commander'
import type { Model } from '../api/model'
import type { DeviceOption, DTypeOption, LoadOptions } from '../model/load-options'
import { downloadMeter } from './meters'
import { positive } from './values'

/** Flags of commands that load a model. */
export interface ModelFlags {
  model: string
  dtype?: DTypeOption
  device?: DeviceOption
  threads?: number
}

export function addModelFlags(command: Command): Command {
  return command
    .requiredOption('--model <folder|id>', 'folder of a model, or its id on the hub')
    .addOption(
      new Option('--dtype <type>', 'float32 (default) is exact; bfloat16 uses less memory and is faster on many CPUs').choices([
        'float32',
        'bfloat16',
      ]),
    )
    .option('--device <device>', 'auto (default), cpu, cuda or cuda:N')
    .option('--threads <n>', 'threads per operation (default: number of processors)', positive)
}

/** Loads a model, with a progress bar on the terminal while it downloads. */
export async function loadModel(where: string, options: LoadOptions): Promise<Model> {
  // Loaded here, so that the other commands work even if a native dependency of this one does not.
  const { Model } = await import('../api/model.js')
  const meter = downloadMeter(process.stderr)
  try {
    return await Model.load(where, { ...options, onProgress: meter.update })
  } finally {
    meter.stop()
  }
}
