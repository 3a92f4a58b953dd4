import { SingleBar } from 'cli-progress'
import type { Command } from 'commander'
import { installLibtorch } from '../libtorch/install'
import type { InstallEvent, OnInstallEvent } from '../libtorch/unpack'
import { bytesText, interruptible } from './console'

interface InstallFlags {
  ranges?: boolean
  cuda?: boolean
  offline?: string
  force?: boolean
}

export function register(program: Command): void {
  program
    .command('install-libtorch')
    .description('Download libtorch, which sentorch needs for its computations, into the cache (SENTORCH_CACHE).')
    .option('--ranges', 'download only the needed parts of the wheels, without pip')
    .option('--cuda', 'include the CUDA libraries (2.5 GB to download, 3.6 GB on disk)')
    .option('--offline <folder>', 'take the wheels from a folder instead of the network')
    .option('--force', 'replace an existing installation')
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
  if (chosen) process.stderr.write(`Note: SENTORCH_LIBTORCH is set and takes precedence: ${chosen}\n`)
}

type Progress = Extract<InstallEvent, { type: 'progress' }>

const LABELS = { download: 'downloading', unpack: 'unpacking  ' }
/** Milliseconds between two lines if the stream is not a terminal. */
const LINE_MS = 10_000

/** Prints the events of an installation: a bar with rate and remaining time on a terminal, otherwise an occasional line. */
export class InstallProgress {
  #bar: SingleBar | undefined
  #stage: Progress['stage'] | undefined
  #started = 0
  #lastLine = 0

  constructor(private readonly stream: NodeJS.WriteStream) {}

  readonly onEvent: OnInstallEvent = (event) => {
    if (event.type === 'progress') return this.#progress(event)
    this.stop()
    const line = eventText(event)
    if (line) this.stream.write(line + '\n')
  }

  stop(): void {
    this.#bar?.stop()
    this.#bar = this.#stage = undefined
  }

  #progress({ stage, loaded, total }: Progress): void {
    const now = performance.now()
    if (stage !== this.#stage) {
      this.stop()
      this.#stage = stage
      this.#started = this.#lastLine = now
      if (this.stream.isTTY) this.#startBar(stage, total)
    }
    const rate = `${bytesText((loaded * 1000) / Math.max(now - this.#started, 1))}/s`
    if (this.#bar) return this.#bar.update(loaded, { done: bytesText(loaded), rate })
    if (now - this.#lastLine < LINE_MS) return
    this.#lastLine = now
    this.stream.write(`${LABELS[stage].trim()}: ${bytesText(loaded)} of ${bytesText(total)}, ${rate}\n`)
  }

  #startBar(stage: Progress['stage'], total: number): void {
    const format = `${LABELS[stage]} {bar} {percentage}% | {done} of ${bytesText(total)} | {rate} | {eta_formatted} left`
    this.#bar = new SingleBar({ stream: this.stream, format, barsize: 30, hideCursor: false, gracefulExit: false })
    this.#bar.start(total, 0, { done: bytesText(0), rate: '-' })
  }
}

function eventText(event: Exclude<InstallEvent, Progress>): string {
  switch (event.type) {
    case 'present':
      return `libtorch is already installed: ${event.folder}`
    case 'waiting':
      return `Another process${event.pid === undefined ? '' : ` (${event.pid})`} is installing libtorch; waiting for it.`
    case 'refetch':
      return `${event.member} was damaged in transfer; downloading it again.`
    case 'installed':
      return `Installed ${bytesText(event.bytes)} in ${event.folder}`
    case 'plan':
      return planText(event)
  }
}

function planText({ method, files, downloadBytes, installedBytes, folder }: Extract<InstallEvent, { type: 'plan' }>): string {
  const how = {
    pip: `Downloading libtorch with pip: ${bytesText(downloadBytes)}`,
    ranges: `Downloading the needed parts of libtorch: ${bytesText(downloadBytes)}`,
    offline: 'Installing libtorch from local wheels',
  }[method]
  return [`${how}. It will take ${bytesText(installedBytes)} in ${folder}`, ...files.map((file) => `  ${file}`)].join('\n')
}
