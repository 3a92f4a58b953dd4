import type { ParameterInfo, TrainingRequest } from '../../../binding'
import { throwIfAborted } from '../../base/errors'
import { changed, changedFile } from '../../format/file-identity'
import { abortable, fromNative } from '../../native/call'
import type { ResolvedTrain } from '../options/train'
import { SerialQueue, type LoadedModel } from '../../model/loaded-model'
import type { Corpus } from './corpus'
import { checkFreezing } from '../parameters/freezing'
import { parameterGroups, type ParameterGroup } from '../parameters/groups'
import { planEpoch, slicePlan, stepsIn, type EpochPlan, type PlanRequest } from '../plan/plan'
import { epochWeights } from '../objectives/heads'
import { withRecipe } from './recipe'
import { recipeOf, type TrainingState } from './state'
import { addResult, stepReports, type EpochReport, type ReportTerms, type StepReport } from './report'
import type { DataRecipe } from '../plan/recipe'
import { multipliers } from '../plan/schedule'
import { advanceUnfreezing, checkUnfreezing, frozenAt } from '../parameters/unfreezing'

/** Duration of one native call: long enough to make its overhead negligible, short enough that `encode` and an abort do not wait long. */
const CALL_MS = 150

/** A model's open native trainer: its parameters, groups and corpus, and single calls of its pump. */
export class Session {
  readonly model: LoadedModel
  /** The options as they were resolved without the data. */
  readonly given: ResolvedTrain
  readonly parameters: readonly ParameterInfo[]
  readonly #terms: ReportTerms
  readonly state: TrainingState
  /** Calls of the pump and checkpoints take turns, so that a checkpoint always holds the state at the end of a step. */
  readonly queue = new SerialQueue()
  /** Called after each native call with the steps that it ran. */
  onSteps: ((reports: readonly StepReport[]) => void) | undefined
  #groups: ParameterGroup[] = []
  /** What the groups of the native side were computed from: the number of unfreezing rules that have applied, and the rates. */
  #groupsFor = ''
  #options: { recipe: DataRecipe | null; options: ResolvedTrain }
  #corpus: Corpus | undefined
  #plan: { corpus: Corpus; options: ResolvedTrain; epoch: number; plan: EpochPlan } | undefined

  /**
   * Opens or reopens the native trainer: masters are read from the model's files unless the model was trained before.
   * Throws ERR_MODEL_FORMAT if the files have changed.
   */
  static async open(
    model: LoadedModel,
    options: ResolvedTrain,
    request: TrainingRequest,
    terms: ReportTerms,
    state: TrainingState,
  ): Promise<Session> {
    await model.heads.ready
    const lost = model.trained ? undefined : await changedFile(model.folder)
    if (lost !== undefined) throw changed(lost)
    const { parameters } = await fromNative(model.native.startTraining(request))
    try {
      checkFreezing(parameters, options, model.folder.config.layers)
      checkUnfreezing(parameters, options, model.folder.config.layers)
      const session = new Session(model, options, parameters, terms, state)
      await session.setGroups()
      return session
    } catch (error) {
      await fromNative(model.native.endTraining())
      throw error
    }
  }

  private constructor(
    model: LoadedModel,
    options: ResolvedTrain,
    parameters: readonly ParameterInfo[],
    terms: ReportTerms,
    state: TrainingState,
  ) {
    this.model = model
    this.given = options
    this.#options = { recipe: null, options }
    this.parameters = parameters
    this.#terms = terms
    this.state = state
  }

  /** The options with the recipe of the current data. The same object until the recipe changes. */
  get options(): ResolvedTrain {
    const { recipe } = this.state
    if (this.#options.recipe !== recipe) this.#options = { recipe, options: withRecipe(this.given, recipe) }
    return this.#options.options
  }

  /** With the weights of the current epoch. */
  get terms(): ReportTerms {
    const { weights } = this.state
    return weights ? { ...this.#terms, weights: [...weights, ...this.#terms.weights.slice(weights.length)] } : this.#terms
  }

  /** Called when an epoch starts. */
  weighLosses(): void {
    const { state, options } = this
    state.weights = epochWeights(options, state.epoch, state.fit?.evaluations.at(-1)?.evaluation)
  }

  get groups(): readonly ParameterGroup[] {
    return this.#groups
  }

  /** Sends the parameters that currently train to the native side, if they have changed. */
  async setGroups(): Promise<void> {
    const { model, options, parameters, state } = this
    const fired = state.unfreezing.fired.length
    const { learningRate, headLearningRate } = options.rates
    const groupsFor = [fired, learningRate, headLearningRate].join()
    if (groupsFor === this.#groupsFor) return
    const { layers } = model.folder.config
    const groups = parameterGroups(parameters, options, layers, frozenAt(parameters, options, layers, state.unfreezing))
    await fromNative(
      model.native.setGroups(
        groups.map(({ parameters, learningRate, weightDecay, clip }) => ({ parameters, learningRate, weightDecay, clip })),
      ),
    )
    this.#groups = groups
    this.#groupsFor = groupsFor
  }

  /** Sends the rows to the native side; `targets` is called only if the native side has different ones. */
  async setCorpus(corpus: Corpus, targets: () => Float32Array[]): Promise<void> {
    const has = this.#corpus
    if (
      has &&
      has.identity.length === corpus.identity.length &&
      has.identity.every(({ fingerprint }, i) => fingerprint === corpus.identity[i]!.fingerprint)
    )
      return
    const { ids, offsets, labels } = corpus
    this.#corpus = undefined
    await fromNative(this.model.native.setCorpus({ ids, offsets, targets: [...labels, ...targets()] }))
    this.#corpus = corpus
  }

  /** The plan of the current epoch. */
  plan(corpus: Corpus): EpochPlan {
    const { options, state } = this
    const { epoch } = state
    if (this.#plan?.corpus !== corpus || this.#plan.options !== options || this.#plan.epoch !== epoch) {
      this.#plan = { corpus, options, epoch, plan: planEpoch(planRequest(corpus, options), epoch) }
    }
    return this.#plan.plan
  }

  /**
   * Runs up to `count` steps of the plan in one native call and updates the state. An abort discards the current step completely;
   * steps completed before it count, and the next call rejects.
   */
  async run(plan: EpochPlan, count: number, signal: AbortSignal | undefined): Promise<StepReport[]> {
    return this.queue.run(async () => {
      throwIfAborted(signal)
      await this.setGroups()
      const { state, model } = this
      const before = { epoch: state.epoch, step: state.step, applied: state.applied }
      const part = slicePlan(plan, state.step, state.step + count)
      const rates = multipliers(state.schedule!, state.applied - state.scheduleStart, count)
      const request = {
        ...part,
        multipliers: rates,
        weights: this.#weights,
        firstStep: state.attempted,
        milliseconds: CALL_MS,
        apply: true,
      }
      const start = performance.now()
      const result = await abortable(model.native, signal, (task) => fromNative(model.native.train({ task, ...request })))
      const rows = Array.from({ length: stepsIn(part) }, (_, s) => part.batches[part.steps[s + 1]!]! - part.batches[part.steps[s]!]!)
      const sums = state.sums!
      addResult(sums, result, rows, rates)
      if (this.options.uncertainty) sums.uncertainty = [...result.uncertainty]
      sums.seconds += (performance.now() - start) / 1000
      this.#advance(result.steps, result.skipped)
      const reports = stepReports(result, before, this.terms.names, (multiplier) => this.rates(multiplier), rates)
      this.onSteps?.(reports)
      return reports
    })
  }

  get #weights(): Float64Array | null {
    return this.state.weights && Float64Array.from(this.terms.weights)
  }

  #advance(steps: number, skipped: boolean): void {
    const { state, model, options } = this
    const applied = steps - (skipped ? 1 : 0)
    state.step += steps
    state.attempted += steps
    state.applied += applied
    state.skippedInARow = skipped ? (applied > 0 ? 1 : state.skippedInARow + 1) : 0
    if (applied > 0) model.trained = true
    state.unfreezing = advanceUnfreezing(options.unfreeze, state.unfreezing, { epochs: state.epoch, steps: state.applied })
  }

  /** Called when the current epoch has ended. */
  finishEpoch(report: EpochReport): void {
    const { state, options, model } = this
    state.epoch++
    state.step = 0
    state.sums = null
    state.unfreezing = advanceUnfreezing(options.unfreeze, state.unfreezing, { epochs: state.epoch, steps: state.applied })
    // For `model.save`.
    if (model.trained) model.folder = { ...model.folder, training: recipeOf(this, report) }
  }

  /** Learning rate of each group by its name. */
  rates(multiplier: number): Record<string, number> {
    return Object.fromEntries(this.#groups.map(({ name, learningRate }) => [name, learningRate * multiplier]))
  }
}

export function planRequest({ sets, offsets }: Corpus, { batching, gradientAccumulation, sampling, seed }: ResolvedTrain): PlanRequest {
  const lengths = new Int32Array(offsets.length - 1)
  for (let i = 0; i < lengths.length; i++) lengths[i] = offsets[i + 1]! - offsets[i]!
  return { lengths, sets: sets.map(({ start, count }) => ({ start, count })), batching, gradientAccumulation, sampling, seed }
}
