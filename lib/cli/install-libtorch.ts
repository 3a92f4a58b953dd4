import type { Command } from 'commander'
import { installLibtorch } from '../libtorch/install'
import { InstallProgress } from './install-progress'
import { interruptible } from './interrupt'

interface InstallFlags {
  ranges?: boolean
  cuda?: boolean
  offline?: string
  force?: boolean
}

export function register(program: Command): void {
  program
    .command('install-libtorch')
    .description('Fetch libtorch, which sentorch computes with, into its cache (SENTORCH_CACHE).')
    .option('--ranges', 'fetch only the needed parts of the wheels, without pip')
    .option('--cuda', 'with the CUDA libraries (2.5 GB to download, 3.6 GB on disk)')
    .option('--offline <folder>', 'take the wheels from a folder instead of the network')
    .option('--force', 'install again over what is there')
    .action((flags: InstallFlags) => install(flags))
}

async function install(flags: InstallFlags): Promise<void> {
  const progress = new InstallProgress(process.stderr)
  try {
    const libtorch = await interruptible((signal) => installLibtorch({ ...flags, signal, onEvent: progress.onEvent }))
    process.stdout.write(`libtorch ${libtorch.version} is ready: ${libtorch.root}\n`)
  } finally {
    progress.stop()
  }
  const { SENTORCH_LIBTORCH: chosen } = process.env
  if (chosen) process.stderr.write(`Note: SENTORCH_LIBTORCH is set and goes before it: ${chosen}\n`)
}
