import { platformName, libraryVersion } from '../../base/platform'
import { modelFingerprint } from '../../encode/source'
import type { LoadedModel } from '../../model/loaded-model'
import type { GroupRecord, ModelRecord, RunRecord } from '../../report/record'
import type { JudgedRow } from '../evaluation/outcomes'
import type { Corpus } from '../loop/corpus'
import type { FitResult } from '../loop/history'
import type { StepReport } from '../loop/report'
import type { Session } from '../loop/session'
import type { ResolvedFit } from '../options/fit'
import type { TrainerOptions } from '../options/train'
import { parameterGroups } from '../parameters/groups'
import { comparable } from '../plain'
import { Course } from './course'
import { DetailsCollector } from './details'
import { SimilarityProbe } from './probe'

/** Details of one evaluation, by head. */
interface Detailed {
  step: number
  heads: Map<string, DetailsCollector>
}

export interface RecordedRun {
  session: Session
  corpus: Corpus
  /** Undefined without evaluation data. */
  held: Corpus | undefined
  given: TrainerOptions
  options: ResolvedFit
  signal: AbortSignal
}

/** Records one call of `fit` for its report. */
export class RunRecorder {
  readonly #run: RecordedRun
  readonly #startedAt = new Date()
  /** Identifies the model as it was before the fit. */
  readonly #fingerprint: string
  readonly #course = new Course()
  readonly #trained = new Map<string, { from: number; to: number }[]>()
  readonly #probe: SimilarityProbe
  #latest: Detailed | undefined
  #best: Detailed | undefined

  static async start(run: RecordedRun): Promise<RunRecorder> {
    return new RunRecorder(run, await SimilarityProbe.start(run.session.model, run.held ?? run.corpus, run.signal))
  }

  private constructor(run: RecordedRun, probe: SimilarityProbe) {
    this.#run = run
    this.#probe = probe
    this.#fingerprint = modelFingerprint(run.session.model)
    run.session.onSteps = (reports) => this.#addSteps(reports)
  }

  /** Number of steps of the fit so far. */
  get #step(): number {
    const { state } = this.#run.session
    return state.attempted - (state.fit?.firstStep ?? 0)
  }

  /** Called before an evaluation; the function that it returns takes each of its rows. */
  startEvaluation(): (row: JudgedRow) => void {
    const heads = new Map<string, DetailsCollector>()
    this.#latest = { step: this.#step, heads }
    return (row) => {
      const collector = heads.get(row.head.name) ?? new DetailsCollector(row.head)
      heads.set(row.head.name, collector)
      collector.add(row)
    }
  }

  /** Called when the last evaluation is the best so far. */
  keepBest(): void {
    this.#best = this.#latest
  }

  stop(): void {
    this.#run.session.onSteps = undefined
  }

  async finish(result: FitResult): Promise<RunRecord> {
    const { session, corpus, held, options } = this.#run
    const { model } = session
    const detailed = this.#best ?? this.#latest
    return {
      version: 1,
      startedAt: this.#startedAt.toISOString(),
      seconds: (Date.now() - this.#startedAt.getTime()) / 1000,
      model: { ...modelRecord(model), fingerprint: this.#fingerprint },
      heads: model.heads.list,
      data: { train: corpus.identity, evaluate: held?.identity ?? null },
      history: result.history,
      evaluations: result.evaluations,
      ...(result.best && { bestStep: result.best.step }),
      restored: result.restored,
      steps: result.steps,
      stopped: result.stopped,
      course: this.#course.points,
      groups: this.#groups(),
      details: detailed ? [...detailed.heads.values()].map((collector) => collector.finish()) : [],
      ...(detailed && { detailsStep: detailed.step }),
      similarity: await this.#probe.finish(),
      recipe: {
        seed: session.options.seed,
        options: comparable(this.#run.given) as Record<string, unknown>,
        resolved: comparable(session.options) as Record<string, unknown>,
        dataDependent: result.recipe,
        fit: comparable(fitOptions(options)) as Record<string, unknown>,
        versions: { sentorch: libraryVersion(), libtorch: model.info.libtorch.version, node: process.version },
        machine: { platform: platformName(), device: model.info.device, threads: model.info.threads, dtype: model.info.dtype },
      },
    }
  }

  #addSteps(reports: readonly StepReport[]): void {
    const end = this.#step
    reports.forEach((report, i) => this.#course.add(report, end - reports.length + i + 1))
    for (const { name } of this.#run.session.groups) {
      const spans = this.#trained.get(name) ?? []
      this.#trained.set(name, spans)
      const last = spans.at(-1)
      const from = end - reports.length
      if (last && last.to >= from) last.to = end
      else spans.push({ from, to: end })
    }
  }

  /** Every group, as if nothing were frozen; groups of one name that differ in their weight decay are one. */
  #groups(): GroupRecord[] {
    const { parameters, options, model } = this.#run.session
    const groups = new Map<string, GroupRecord>()
    for (const { name, count, learningRate } of parameterGroups(parameters, options, model.folder.config.layers, new Set())) {
      const sum = (groups.get(name)?.parameters ?? 0) + count
      groups.set(name, { name, parameters: sum, learningRate, trained: this.#trained.get(name) ?? [] })
    }
    return [...groups.values()]
  }
}

function modelRecord({ info }: LoadedModel): ModelRecord {
  const { id, folder, commit, modelType, layers, dimension, parameters, pooling } = info
  return { name: id ?? folder, ...(commit !== undefined && { commit }), modelType, layers, dimension, parameters, pooling }
}

/** The options that decide the course of a fit, as they can be passed again. */
function fitOptions({ epochs, maxSteps, evaluateEvery, watch, scoreWeights, metrics, saveBest, restoreBest }: ResolvedFit): object {
  const { patience, ...watched } = watch
  return {
    epochs,
    ...(maxSteps !== Infinity && { maxSteps }),
    ...(evaluateEvery !== Infinity && { evaluateEvery }),
    ...(patience !== Infinity && { earlyStopping: { ...watched, patience } }),
    ...(Object.keys(scoreWeights).length > 0 && { scoreWeights }),
    ...(Object.keys(metrics).length > 0 && { metrics: Object.keys(metrics) }),
    ...(saveBest !== undefined && { saveBest }),
    restoreBest,
  }
}
