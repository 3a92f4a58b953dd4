import { realpath } from 'node:fs/promises'
import { refusal, takeOptions } from '../base/arguments'
import { isSentorchError, SentorchError, throwIfAborted } from '../base/errors'
import { openFolder } from '../format/folder'
import type { Head } from '../heads/definition'
import { refreshWeights, type LoadedModel } from '../model/loaded-model'
import { saveModel } from '../model/save'
import { fromNative } from '../native/call'
import { writeCheckpoint } from './checkpoint/checkpoint'
import { broken, otherData, type Pinned } from './checkpoint/errors'
import { checkTarget, nextCheckpoint, removeCheckpoint, SavingTimes, surplusCheckpoints } from './checkpoint/kept'
import { evaluate, refuseUnwatchable, type WatchedHeads } from './evaluation/evaluate'
import type { Evaluation, JudgedRow } from './evaluation/outcomes'
import { dataDifference, heldCorpus, makeCorpus, refuseUnlabelled, type Corpus, type TrainingData } from './loop/corpus'
import {
  beginFit,
  continuesFit,
  courseOf,
  dropEpoch,
  hasOwnLength,
  lengthenFit,
  planSchedule,
  refuseUnjudged,
  whileOpen,
} from './loop/course'
import { runFit } from './loop/fit'
import type { FitResult } from './loop/history'
import type { EpochReport } from './loop/report'
import { continuedRecipe, keptRecipe, recipeFor } from './loop/recipe'
import { runEpoch } from './loop/run'
import { RunRecorder } from './record/recorder'
import { Session } from './loop/session'
import { recipeOf, startState, type TrainingState } from './loop/state'
import { hasBalanced, lossWeights as lossWeightsOf, taskWeights, type TaskWeights } from './objectives/heads'
import { trainingRequest } from './objectives/objectives'
import { Targets } from './objectives/targets'
import { configDropout } from './options/context'
import type { ResolvedEpoch } from './options/epoch'
import type { ResolvedEvaluate, ResolvedFit } from './options/fit'
import { resolveTrain, TRAIN_KEYS, type ResolvedTrain, type TrainerOptions } from './options/train'
import { stepsIn } from './plan/plan'
import type { DataRecipe } from './plan/recipe'

/** What a checkpoint restores. */
export interface Restored {
  state: TrainingState
  classWeights: TaskWeights | null
  known: Map<string, Float32Array>
  /** What the first call must match: its data and its fit. Undefined: other data is allowed. */
  pinned: Pinned | undefined
}

/** The implementation of `Trainer`: options, state, and the native session, which is opened when it is needed. */
export class TrainerCore {
  readonly model: LoadedModel
  readonly given: TrainerOptions
  readonly options: ResolvedTrain
  readonly state: TrainingState
  readonly #targets: Targets
  readonly #closing = new AbortController()
  #classWeights: TaskWeights | null
  #pinned: Pinned | undefined
  #session: Promise<Session> | undefined
  #running: Promise<unknown> | undefined

  /** Throws ERR_INVALID_ARGUMENT for invalid options or if the model has an open trainer. */
  constructor(model: LoadedModel, given: TrainerOptions, restore?: (options: ResolvedTrain) => Restored) {
    this.model = model
    this.given = takeOptions('trainer', given, TRAIN_KEYS)
    this.options = resolveTrain(this.given, contextOf(model))
    if (model.trainer) throw refusal('The model already has an open trainer: dispose of it first (trainer.dispose()).')
    const restored = restore?.(this.options)
    this.state = restored?.state ?? startState(this.options.unfreeze)
    this.#classWeights = restored?.classWeights ?? null
    this.#pinned = restored?.pinned
    this.#targets = new Targets(model, this.options, restored?.known)
    model.trainer = this
  }

  get isBusy(): boolean {
    return this.#running !== undefined
  }

  /** The native session. `corpus`: the data for `'balanced'` weights. Without it they are not set, and the session is reopened once it is known. */
  session(corpus?: Corpus): Promise<Session> {
    this.#checkOpen()
    const waits = hasBalanced(this.options) && this.#classWeights === null
    if (this.#session && !(waits && corpus)) return this.#session
    const weights = this.#classWeights ?? taskWeights(this.model, this.options, corpus)
    if (!waits || corpus) this.#classWeights = weights
    const { request, terms } = trainingRequest(this.model, this.options, weights)
    const opening = Session.open(this.model, this.options, request, terms, this.state)
    opening.catch(() => {
      if (this.#session === opening) this.#session = undefined
    })
    this.#session = opening
    return opening
  }

  trainEpoch(data: TrainingData, options: ResolvedEpoch): Promise<EpochReport> {
    return this.#alone(options.signal, async (signal) => {
      refuseUnjudged(this.options, false)
      if (options.saveEvery) await checkTarget(options.saveEvery)
      const corpus = await this.#corpus(data, signal)
      const recipe = keptRecipe(this.state, corpus) ?? recipeFor(corpus, this.options, this.model)
      const session = await this.#enter(corpus, recipe, signal)
      this.state.fit = null
      planSchedule(this.state, session.options, corpus, null)
      return runEpoch({ session, corpus, ...this.#epochParts(corpus, whileOpen(options, signal, this.#closing.signal)) })
    })
  }

  fit(train: TrainingData, options: ResolvedFit): Promise<FitResult> {
    return this.#alone(options.signal, async (signal) => {
      refuseUnjudged(this.options, options.evaluate !== undefined)
      if (options.saveEvery) await checkTarget(options.saveEvery)
      await options.report?.check()
      const corpus = await this.#corpus(train, signal)
      const held = options.evaluate === undefined ? undefined : await this.#held(options.evaluate, signal)
      if (held) refuseUnwatchable(held, this.#headNames(), options)
      const chosen = recipeFor(corpus, this.options, this.model, options)
      const kept = this.state.fit === null ? undefined : keptRecipe(this.state, corpus)
      const continued = kept === undefined ? chosen : continuedRecipe(kept, chosen)
      const planned = { ...options, epochs: continued.epochs }
      const course = courseOf(planned, held?.identity ?? null)
      const continues = continuesFit(this.state, this.#pinned, corpus, course)
      const session = await this.#enter(corpus, continues ? continued : chosen, signal)
      if (continues) lengthenFit(this.state, session.options, corpus, course, planned)
      else beginFit(this.state, session.options, corpus, course, planned)
      const request = whileOpen(planned, signal, this.#closing.signal)
      const { saveBest } = options
      const given = this.given
      const recorder = options.report && (await RunRecorder.start({ session, corpus, held, given, options: planned, signal }))
      const result = await runFit({
        session,
        corpus,
        ...this.#epochParts(corpus, request),
        evaluate: held && (() => this.#evaluateCorpus(held, request, recorder?.startEvaluation())),
        saveBest: async () => {
          recorder?.keepBest()
          if (saveBest !== undefined) await this.#saveBest(session, saveBest)
        },
      }).finally(() => recorder?.stop())
      // The schedule belonged to this fit.
      if (!hasOwnLength(this.options)) this.state.schedule = null
      if (recorder) await request.report?.take(await recorder.finish(result))
      return result
    })
  }

  async evaluate(data: TrainingData, options: ResolvedEvaluate): Promise<Evaluation> {
    this.#checkOpen()
    await this.model.heads.ready
    return this.#evaluateCorpus(await this.#held(data, options.signal), options)
  }

  /** Writes a checkpoint at the end of the current step. */
  async save(dir: string): Promise<void> {
    const session = await this.session()
    await session.queue.run(() =>
      writeCheckpoint({ session, targets: this.#targets, options: this.given, classWeights: this.#classWeights }, dir),
    )
  }

  async #saveKept(dir: string, keep: number): Promise<void> {
    const path = await nextCheckpoint(dir)
    await this.save(path)
    for (const old of await surplusCheckpoints(dir, keep)) {
      // Saves copy tokenizer and configuration from the model's folder. If that folder is removed here, they are copied from the newest one instead.
      if ((await realpath(old)) === this.model.folder.folder) this.model.folder = await openFolder(path)
      await removeCheckpoint(old)
    }
  }

  #saveBest(session: Session, dir: string): Promise<void> {
    return session.queue.run(() => saveModel(this.model, dir, { overwrite: true, training: recipeOf(session) }))
  }

  /** Stops running work at the end of its step, then frees the native trainer; immediately if nothing is running. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort()
    if (this.#running) await this.#running.catch(() => {})
    const { model } = this
    if (model.trainer === this) model.trainer = undefined
    try {
      await fromNative(model.native.endTraining())
    } catch (error) {
      // Disposing of the model has already disposed of its trainer.
      if (!isSentorchError(error) || error.code !== 'ERR_DISPOSED') throw error
    }
  }

  async #alone<T>(signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#checkOpen()
    if (this.#running) throw new SentorchError('ERR_BUSY', 'This trainer is already training: wait for that call to finish, or abort it.')
    const closing = this.#closing.signal
    const running = (async () => {
      throwIfAborted(signal)
      try {
        return await work(signal ? AbortSignal.any([signal, closing]) : closing)
      } finally {
        if (this.model.trained) await refreshWeights(this.model)
      }
    })()
    this.#running = running
    try {
      return await running
    } catch (error) {
      throw closing.aborted ? disposed() : error
    } finally {
      this.#running = undefined
    }
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw disposed()
  }

  #headNames(): WatchedHeads {
    return { heads: this.model.heads.list.map(({ name }) => name), trained: this.options.tasks.map(({ head }) => head) }
  }

  get #heads(): Head[] {
    return this.options.tasks.map(({ head }) => this.model.heads.require(head))
  }

  get #allSubwords(): string[] {
    return this.options.tasks.flatMap(({ head, labelSubwords }) => (labelSubwords === 'all' ? [head] : []))
  }

  async #corpus(data: TrainingData, signal: AbortSignal): Promise<Corpus> {
    await this.model.heads.ready
    const { tokenizer } = this.model
    const { maxLength } = this.options
    return makeCorpus(data, { tokenizer, heads: this.#heads, maxLength, unknownLabels: 'refuse', allSubwords: this.#allSubwords, signal })
  }

  /** Prepares evaluation data for every head of the model. */
  #held(data: TrainingData, signal: AbortSignal | undefined): Promise<Corpus> {
    const { tokenizer, heads } = this.model
    const { maxLength } = this.options
    return heldCorpus(data, { tokenizer, heads: heads.list, maxLength, allSubwords: this.#allSubwords, signal })
  }

  #evaluateCorpus(corpus: Corpus, options: ResolvedEvaluate, onRow?: (row: JudgedRow) => void): Promise<Evaluation> {
    const { native, heads } = this.model
    const lossWeights = lossWeightsOf(this.options, this.state.weights)
    return evaluate({ ...options, native, heads: heads.list, corpus, lossWeights, onRow })
  }

  /** Checks the corpus against the state before anything changes, then passes it to the native side. */
  async #enter(corpus: Corpus, recipe: DataRecipe, signal: AbortSignal): Promise<Session> {
    const { state } = this
    const difference = state.data && dataDifference(state.data, corpus.identity)
    if (this.#pinned !== undefined && difference) throw otherData(this.#pinned.dir, difference)
    if (state.data === null) refuseUnlabelled(corpus, this.#heads)
    const session = await this.session(corpus)
    await this.#targets.learn(corpus, state.applied === 0, signal)
    if (this.#pinned !== undefined && state.step > stepsIn(session.plan(corpus))) {
      throw broken(this.#pinned.dir, `its state is at step ${state.step} of an epoch with ${stepsIn(session.plan(corpus))} steps`)
    }
    await session.setCorpus(corpus, () => this.#targets.of(corpus))
    if (difference) dropEpoch(state)
    state.data = corpus.identity
    state.recipe = recipe
    this.#pinned = undefined
    return session
  }

  #epochParts<T extends ResolvedEpoch>(corpus: Corpus, options: T) {
    return {
      options,
      saving: new SavingTimes(options.saveEvery, ({ dir, keep }) => (keep === undefined ? this.save(dir) : this.#saveKept(dir, keep))),
      similarity: (signal?: AbortSignal) => this.#targets.similarity(corpus, signal),
    }
  }
}

export function contextOf({ heads, folder }: Pick<LoadedModel, 'heads' | 'folder'>) {
  const { config, modules, configJson } = folder
  return {
    heads: heads.list,
    layers: config.layers,
    hiddenSize: config.hiddenSize,
    maxLength: modules.maxSeqLength,
    usablePositions: config.usablePositions,
    ...configDropout(configJson),
  }
}

function disposed(): SentorchError {
  return new SentorchError('ERR_DISPOSED', 'The trainer was disposed. Create a new one with model.trainer().')
}
