import { vectorDimension } from '../format/modules'
import { refusal } from '../options/checks'
import type { LoadOptions } from '../options/load'
import { resolveTrain, type ResolvedTrain, type Teacher, type TrainerOptions } from '../options/train'
import { partsOf } from '../parts'
import { asCheckpoint, broken, readTargets, restoreOptimizer, type StoredTrainer } from './checkpoint-read'
import { parseState } from './checkpoint-state'
import { contextOf, TrainerCore } from './core'
import { findCheckpoint } from './kept-checkpoints'
import { firstDifference, fromPlainJson, toPlainJson } from './plain'
import { targetTerms } from './request'

export interface ResumeRequest {
  load?: LoadOptions
  options?: TrainerOptions
  teacher?: Teacher
  otherData?: boolean
}

/** A trainer where a checkpoint left it, on a model of its own, which is disposed of where anything fails. */
export async function resumeCore<M extends { dispose(): Promise<void> }>(
  dir: string,
  request: ResumeRequest,
  load: (dir: string, options: LoadOptions) => Promise<M>,
): Promise<{ model: M; core: TrainerCore }> {
  const stored = await findCheckpoint(dir)
  const { dtype, threads } = stored.load
  const device = stored.load.device as NonNullable<LoadOptions['device']>
  const model = await load(stored.root.shown, { dtype, threads, device, ...request.load })
  try {
    return { model, core: await restoreCore(model, stored, request) }
  } catch (error) {
    await model.dispose()
    throw error
  }
}

async function restoreCore(model: object, stored: StoredTrainer, request: ResumeRequest): Promise<TrainerCore> {
  const dir = stored.root.shown
  const parts = partsOf(model)
  const given = optionsOf(stored.options, request.teacher)
  const resolved = resolvedOf(dir, given, parts)
  const changed = firstDifference(asStored(resolved), stored.resolved)
  if (changed !== undefined) {
    throw broken(dir, `its option '${changed}' means something else to this version of sentorch than to ${stored.sentorch}, which wrote it`)
  }
  if (request.options) {
    const other = firstDifference(asStored(resolveTrain(request.options, contextOf(parts))), stored.resolved)
    if (other !== undefined) throw broken(dir, `it was made with another '${other}' than the one given`)
  }
  if (stored.classWeights && stored.classWeights.length !== resolved.tasks.length) throw broken(dir, 'classWeights do not fit the tasks')
  const counts = { tasks: resolved.tasks.length, targets: targetTerms(parts, resolved).length, rules: resolved.unfreeze.length }
  const state = await asCheckpoint(dir, async () => parseState(stored.state, `state of trainer.json in ${dir}`, counts))
  const { modules, config } = parts.folder
  const dimension = vectorDimension(modules.dense, modules.pooling, config.hiddenSize)
  const known = await readTargets(stored, dimension)
  const pinned = request.otherData ? undefined : dir
  const core = new TrainerCore(parts, given, () => ({ state, classWeights: stored.classWeights, known, pinned }))
  await restoreOptimizer(await core.session(), stored)
  return core
}

/** Options that the file holds are a stranger's: what does not hold is the checkpoint's fault. */
function resolvedOf(dir: string, given: TrainerOptions, parts: ReturnType<typeof partsOf>): ResolvedTrain {
  try {
    return resolveTrain(given, contextOf(parts))
  } catch (error) {
    throw broken(dir, `its options do not hold: ${(error as Error).message}`, error)
  }
}

function optionsOf(stored: TrainerOptions, teacher: Teacher | undefined): TrainerOptions {
  if (!stored.distill) return stored
  return { ...stored, distill: { ...stored.distill, teacher: teacher ?? missingTeacher } }
}

function missingTeacher(): never {
  throw refusal(`The checkpoint has no vectors of the teacher for this data: give the teacher to Trainer.resume as 'teacher'.`)
}

/** As it would come out of the file. */
function asStored(resolved: ResolvedTrain): object {
  return fromPlainJson(toPlainJson(resolved)) as object
}
