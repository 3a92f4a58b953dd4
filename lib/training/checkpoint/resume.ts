import { isSentorchError } from '../../base/errors'
import { PROPERTY_KEYS, type ModelProperties } from '../../format/properties'
import type { DeclaredHeads, NoHeads } from '../../heads/definition'
import { vectorDimension } from '../../pooling/poolings'
import { refusal } from '../../base/arguments'
import type { LoadOptions } from '../../model/load-options'
import { resolveTrain, type ResolvedTrain, type TrainerOptions } from '../options/train'
import { type Teacher } from '../options/tasks'
import type { LoadedModel } from '../../model/loaded-model'
import { TRAINER_JSON } from './checkpoint'
import { asCheckpoint, broken, otherOption } from './errors'
import { readTargets, restoreOptimizer, type StoredTrainer } from './read'
import { parseState } from './state'
import { contextOf, TrainerCore } from '../core'
import { findCheckpoint } from './kept'
import { firstDifference } from '../plain'
import { vectorObjectives } from '../objectives/objectives'
import type { Session } from '../loop/session'

/** Options of `Model.load` for the model of a checkpoint, which keeps its properties. */
export type ResumeLoadOptions<S extends DeclaredHeads = NoHeads> = Omit<LoadOptions, keyof ModelProperties | 'heads'> & { heads?: S }

export interface ResumeRequest {
  load?: ResumeLoadOptions
  options?: TrainerOptions
  teacher?: Teacher
  otherData?: boolean
  extend?: boolean
}

/** Restores a trainer from a checkpoint, with a model of its own. If anything fails, the model is disposed of. */
export async function resumeCore<M extends { dispose(): Promise<void> }>(
  dir: string,
  request: ResumeRequest,
  load: (dir: string, options: LoadOptions) => Promise<{ model: M; loaded: LoadedModel }>,
): Promise<{ model: M; core: TrainerCore }> {
  refuseProperties(request.load)
  const stored = await findCheckpoint(dir)
  const { dtype, threads } = stored.load
  const device = stored.load.device as NonNullable<LoadOptions['device']>
  const { model, loaded } = await load(stored.root.shown, { dtype, threads, device, ...request.load })
  try {
    return { model, core: await restoreCore(loaded, stored, request) }
  } catch (error) {
    await model.dispose()
    throw error
  }
}

/** The losses and the stored vectors of a run depend on them. */
function refuseProperties(load: object | undefined): void {
  const name = PROPERTY_KEYS.find((key) => (load as LoadOptions | undefined)?.[key] !== undefined)
  if (name === undefined) return
  throw refusal(`'load.${name}' cannot be given: a resumed run continues with the properties of the model in the checkpoint. Leave it out.`)
}

async function restoreCore(model: LoadedModel, stored: StoredTrainer, request: ResumeRequest): Promise<TrainerCore> {
  const dir = stored.root.shown
  const given = optionsOf(stored.options, request)
  const resolved = resolvedOf(dir, given, model)
  const changed = firstDifference(resolved, stored.resolved)
  if (changed !== undefined) {
    throw broken(
      dir,
      `this version of sentorch interprets the option '${changed}' differently from version ${stored.sentorch}, which wrote the checkpoint`,
    )
  }
  if (request.options && firstDifference(resolveTrain(request.options, contextOf(model)), stored.resolved) !== undefined) {
    const option = differingOption(given, request.options, model)
    throw otherOption(dir, option, given[option], request.options[option])
  }
  const labels = resolved.tasks.map(({ head }) => model.heads.require(head).labels.length)
  const fits = stored.classWeights?.length === labels.length && stored.classWeights.every((list, t) => !list || list.length === labels[t])
  if (stored.classWeights && !fits) throw broken(dir, `classWeights in ${TRAINER_JSON} do not fit the tasks and their labels`)
  const { tasks, unfreeze, uncertainty } = resolved
  const counts = { tasks: tasks.length, targets: vectorObjectives(model, resolved).length, rules: unfreeze.length, uncertainty }
  const state = await asCheckpoint(dir, async () => parseState(stored.state, `state of trainer.json in ${dir}`, counts))
  const { modules, config } = model.folder
  const dimension = vectorDimension(modules.dense, modules.pooling, config.hiddenSize)
  const known = await readTargets(stored, dimension)
  const pinned = request.otherData ? undefined : { dir, extend: request.extend ?? false }
  const core = new TrainerCore(model, given, () => ({ state, classWeights: stored.classWeights, known, pinned }))
  await restoreOptimizer(await openSession(core, dir), stored)
  return core
}

/** The first option whose difference between two sets changes their meaning. */
function differingOption(stored: TrainerOptions, now: TrainerOptions, model: LoadedModel): keyof TrainerOptions {
  const meant = (options: TrainerOptions): object | undefined => {
    try {
      return resolveTrain(options, contextOf(model))
    } catch {
      // This set is refused only because one of its options requires another.
      return undefined
    }
  }
  const before = meant(stored)!
  const keys = [...new Set([...Object.keys(stored), ...Object.keys(now)])] as (keyof TrainerOptions)[]
  return keys.find((key) => {
    const after = meant({ ...stored, [key]: now[key] })
    return after === undefined || firstDifference(before, after) !== undefined
  })!
}

/** Checks the options against the parameters, which is not possible earlier. */
async function openSession(core: TrainerCore, dir: string): Promise<Session> {
  try {
    return await core.session()
  } catch (error) {
    if (!isSentorchError(error) || error.code !== 'ERR_INVALID_ARGUMENT') throw error
    throw broken(dir, `its options do not fit the model: ${error.message.replace(/\.$/, '')}`, error)
  }
}

/** The options in the file are untrusted: an invalid one is an error of the checkpoint. */
function resolvedOf(dir: string, given: TrainerOptions, model: LoadedModel): ResolvedTrain {
  try {
    return resolveTrain(given, contextOf(model))
  } catch (error) {
    throw broken(dir, `its options are invalid: ${(error as Error).message}`, error)
  }
}

/** The stored options with what a checkpoint cannot hold: the teacher and functions for weights. */
function optionsOf(stored: TrainerOptions, { teacher, options }: Pick<ResumeRequest, 'teacher' | 'options'>): TrainerOptions {
  return {
    ...stored,
    ...(stored.distill && { distill: { ...stored.distill, teacher: teacher ?? missingTeacher } }),
    ...(stored.tasks && { tasks: tasksOf(stored.tasks, options?.tasks ?? {}) }),
  }
}

function tasksOf(stored: NonNullable<TrainerOptions['tasks']>, now: NonNullable<TrainerOptions['tasks']>): typeof stored {
  const tasks = Object.entries(stored).map(([head, task]) => {
    if (!task || typeof task.weight !== 'object') return [head, task] as const
    const given = Object.hasOwn(now, head) ? now[head] : undefined
    const weight = given && typeof given.weight === 'function' ? given.weight : () => missingWeight(head)
    return [head, { ...task, weight }] as const
  })
  return Object.fromEntries(tasks)
}

function missingWeight(head: string): never {
  throw refusal(
    `The checkpoint does not contain the function of tasks.${head}.weight, which the next epoch needs: pass the options of the run to Trainer.resume as 'options'.`,
  )
}

function missingTeacher(): never {
  throw refusal(`The checkpoint does not contain the teacher's vectors for this data: pass the teacher to Trainer.resume as 'teacher'.`)
}
