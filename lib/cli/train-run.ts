import { resolve } from 'node:path'
import type { Writable } from 'node:stream'
import type { Trainer } from '../api/trainer'
import { refusal } from '../base/arguments'
import { isSentorchError } from '../base/errors'
import type { Dataset } from '../data/dataset'
import type { LoadOptions } from '../model/load-options'
import type { EpochRecord, FitResult } from '../training/loop/history'
import { FIT_KEYS, type FitOptions } from '../training/options/fit'
import { TRAIN_KEYS, type TrainerOptions } from '../training/options/train'
import { writeReport } from '../report/write'
import { interruptible } from './console'
import { openData } from './data-files'
import { headsOf, prepareHeads } from './data-heads'
import { loadModel } from './load'
import { metricsFile, StepSummary, type MetricsSink } from './metrics-file'
import type { RunFlags } from './train'
import { checkConfig, merged, readConfig, requireOptions, type TrainConfig } from './train-config'
import { TrainingDisplay } from './train-display'
import { RunFolder } from './train-folder'
import { TRAINING_OPTIONS } from './train-options'

const CHECKPOINT_MINUTES = 5
const STEPS_PER_LINE = 10

/** The options of `fit` that are passed on as they are. */
const OWN_FIT_KEYS = FIT_KEYS.filter((key) => key in TRAINING_OPTIONS && key !== 'saveEvery') as (Exclude<keyof FitOptions, 'report'> &
  keyof TrainConfig)[]

/** Runs `sentorch train` from its flags to the saved model. */
export async function runTraining(run: RunFlags, flags: TrainConfig): Promise<void> {
  const { config, folder } = await (run.resume ? resumedConfig(flags) : newConfig(run, flags))
  const out = run.json ? process.stderr : process.stdout
  await interruptible(async (signal) => {
    const data = await openSets(config, signal)
    const trainer = run.resume ? await resumedTrainer(config, folder, signal) : await newTrainer(config, data, folder, signal)
    try {
      const result = await fit({ trainer, config, data, folder, out, signal, resumed: run.resume ?? false })
      if (run.json && result) process.stdout.write(`${JSON.stringify(summaryOf(result, folder), null, 2)}\n`)
    } finally {
      await trainer.dispose()
      await trainer.model.dispose()
    }
  })
}

interface Prepared {
  config: TrainConfig
  folder: RunFolder
}

/** The options of a new run. Paths become absolute, so that the run can be continued from any folder. */
async function newConfig({ config: file, overwrite = false }: RunFlags, flags: TrainConfig): Promise<Prepared> {
  const config = merged(file === undefined ? {} : await readConfig(file), flags)
  requireOptions(config, ['model', 'train', 'output'])
  if (config.eval && config.evalShare !== undefined) throw refusal('--eval and --eval-share were both given. Leave one of them out.')
  const folder = new RunFolder(config.output!)
  await folder.check(overwrite, config.model!)
  const absolute = (paths: string[] | undefined) => paths?.map((path) => resolve(path))
  return { folder, config: { ...config, train: absolute(config.train), eval: absolute(config.eval) } }
}

/** The options in the folder of the run. Only its length may differ. */
async function resumedConfig(flags: TrainConfig): Promise<Prepared> {
  requireOptions(flags, ['output'])
  const folder = new RunFolder(flags.output!)
  folder.checkResumable()
  const config = checkConfig(await readConfig(folder.config), folder.config)
  const { output: _, epochs, maxSteps, ...others } = flags
  const [other] = Object.keys(others)
  if (other !== undefined) throw refusal(`--resume continues with the options in ${folder.config}: only --epochs and --max-steps can be given, not '${other}'.`) // prettier-ignore
  return { folder, config: merged(config, { output: flags.output, epochs, maxSteps }) }
}

interface Sets {
  train: Dataset[]
  evaluate: Dataset[]
}

async function openSets(config: TrainConfig, signal: AbortSignal): Promise<Sets> {
  const { format, reader, evalShare, seed } = config
  const open = async (paths: string[] = []) => {
    const sets: Dataset[] = []
    for (const path of paths) sets.push(await openData(path, { format, reader, signal }))
    return sets
  }
  const train = await open(config.train)
  if (evalShare === undefined) return { train, evaluate: await open(config.eval) }
  const parts = train.map((set) => set.split({ test: evalShare, seed }))
  return { train: parts.map((part) => part.train), evaluate: parts.map((part) => part.test) }
}

/** Several data sets by name, or the only one. */
function dataOf(sets: readonly Dataset[]): Dataset | Record<string, Dataset> {
  if (sets.length === 1) return sets[0]!
  return Object.fromEntries(sets.map((set, i) => [sets.findIndex(({ name }) => name === set.name) === i ? set.name : `${set.name} (${i + 1})`, set])) // prettier-ignore
}

const loadOptions = ({ device, threads }: TrainConfig): LoadOptions => ({ device: device as LoadOptions['device'], threads })

async function newTrainer(config: TrainConfig, { train }: Sets, folder: RunFolder, signal: AbortSignal): Promise<Trainer> {
  const heads = headsOf(train, config.head)
  const model = await loadModel(config.model!, { ...loadOptions(config), signal })
  try {
    prepareHeads(model, heads)
    const trainer = model.trainer(await trainerOptions(config, signal))
    await folder.begin(config)
    return trainer
  } catch (error) {
    await model.dispose()
    throw error
  }
}

async function resumedTrainer(config: TrainConfig, folder: RunFolder, signal: AbortSignal): Promise<Trainer> {
  // The trainer loads models through what api/model provides when it is loaded.
  await import('../api/model.js')
  const { Trainer } = await import('../api/trainer.js')
  const { distill } = await trainerOptions(config, signal)
  const trainer = await Trainer.resume(folder.checkpoint, {
    load: { ...loadOptions(config), signal },
    teacher: distill?.teacher,
    extend: true,
  })
  await folder.store(config)
  return trainer
}

/** The options of the trainer. The teacher of `distill` is named in the configuration and loaded here. */
async function trainerOptions(config: TrainConfig, signal: AbortSignal): Promise<TrainerOptions> {
  const { distill, ...options }: TrainerOptions = pick(config, TRAIN_KEYS.filter((key) => key !== 'epochs')) // prettier-ignore
  if (!distill) return options
  const teacher = await loadModel(String(distill.teacher), { ...loadOptions(config), signal })
  return { ...options, distill: { ...distill, teacher } }
}

function pick<T extends object, K extends keyof T>(options: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.filter((key) => options[key] !== undefined).map((key) => [key, options[key]])) as Pick<T, K>
}

interface Fitting extends Prepared {
  trainer: Trainer
  data: Sets
  out: Writable
  signal: AbortSignal
  resumed: boolean
}

/** Trains, evaluates and saves. Undefined if the user has stopped it; the exit code is then 130. */
async function fit(fitting: Fitting): Promise<FitResult | undefined> {
  const { trainer, config, data, folder, out, signal, resumed } = fitting
  const start = performance.now()
  const display = new TrainingDisplay(process.stderr, out)
  const sinks = [metricsFile(folder.metrics)]
  if (config.tensorboard !== undefined) sinks.push((await import('./tensorboard.js')).tensorboardFile(config.tensorboard))
  const sink: MetricsSink = (line) => sinks.forEach((each) => each(line))
  const sizes = (sets: readonly Dataset[]) => Object.fromEntries(sets.map(({ name, length }) => [name, length]))
  sink({
    type: 'start',
    time: new Date().toISOString(),
    model: config.model!,
    train: sizes(data.train),
    eval: sizes(data.evaluate),
    resumed,
  })
  signal.addEventListener('abort', () => display.note('Stopping after this step (Ctrl-C again: without saving).'), {
    once: true,
  })
  try {
    const result = await trainer.fit(dataOf(data.train), fitOptions(fitting, display, sink))
    await folder.finish((path) => trainer.model.save(path))
    const seconds = (performance.now() - start) / 1000
    const { steps, stopped, best } = result
    sink({ type: 'end', time: new Date().toISOString(), seconds, steps, stopped, best: best ? { epoch: best.epoch, step: best.step, value: best.value } : null }) // prettier-ignore
    display.result(result, seconds)
    out.write(`The model is in ${folder.path}\n`)
    return result
  } catch (error) {
    if (!signal.aborted || !isSentorchError(error) || error.code !== 'ERR_ABORTED') throw error
    await stopped(trainer, folder, display)
    return undefined
  } finally {
    display.clear()
  }
}

function fitOptions({ config, data, folder, signal, trainer }: Fitting, display: TrainingDisplay, sink: MetricsSink): FitOptions {
  const summary = new StepSummary(config.logEvery ?? STEPS_PER_LINE, sink)
  let best = -Infinity
  return {
    ...pick(config, OWN_FIT_KEYS),
    saveEvery: { ...(config.saveEvery ?? { minutes: CHECKPOINT_MINUTES }), dir: folder.checkpoint },
    ...(data.evaluate.length > 0 && {
      evaluate: dataOf(data.evaluate),
      saveBest: folder.best,
      onEvaluate: (evaluation) => {
        summary.flush()
        sink({ type: 'evaluation', step: trainer.position.applied, ...evaluation })
      },
    }),
    ...(config.report !== false && {
      report: (record) =>
        writeReport(folder.report, { ...record, command: `sentorch train --config ${shellWord(folder.config)} --output NEW` }),
    }),
    signal,
    onProgress: (progress) => display.progress(progress),
    onStep: (step) => {
      display.step(step)
      summary.add(step)
    },
    onEpoch: (record: EpochRecord) => {
      summary.flush()
      const { evaluation, ...epoch } = record
      sink({ type: 'epoch', step: trainer.position.applied, ...epoch })
      const isBest = evaluation !== undefined && evaluation.score > best
      if (isBest) best = evaluation.score
      display.epoch(record, isBest)
    },
  }
}

/** After Ctrl-C: saves what was trained, and says how to continue. */
async function stopped(trainer: Trainer, folder: RunFolder, display: TrainingDisplay): Promise<void> {
  process.exitCode = 130
  const { applied, epoch } = trainer.position
  if (applied === 0) return display.note('Stopped before the first step: nothing was trained.')
  await trainer.saveCheckpoint(folder.checkpoint)
  display.note(
    `Stopped after step ${applied}, in epoch ${epoch + 1}. Continue with:\n  sentorch train --resume --output ${shellWord(folder.path)}`,
  )
}

function shellWord(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

function summaryOf({ steps, stopped, best, history, recipe }: FitResult, folder: RunFolder): object {
  const { evaluation: _, ...last } = history.at(-1) ?? {}
  return { output: folder.path, steps, stopped, epochs: history.length, recipe, last, best: best ?? null }
}
