import path from 'node:path'
import type { NativeModel, PredictRequest, PredictResult } from '../../binding'
import { Admission, SerialQueue, type LoadedModel } from '../../lib/model/loaded-model'
import { openFolder } from '../../lib/format/folder'
import type { Head, HeadDefinition } from '../../lib/heads/definition'
import { Heads } from '../../lib/heads/heads'
import { Tokenizer } from '../../lib/tokenizer/tokenizer'
import { FIXTURES } from './variant'

/** Logits of one row: [labels] for classification, [tokens, labels] flat for token classification. */
export type LogitsOf = (head: Head, ids: readonly number[]) => readonly number[]

export interface FakeModel extends LoadedModel {
  /** The requests to native code, in order. */
  calls: PredictRequest[]
  /** Awaited before a call returns. */
  pause: (call: number) => Promise<void> | void
  aborted: number[]
  /** Row of the next result that is not finite; −1: none. */
  nonFiniteRow: number
}

/** A model of a tiny family whose logits come from `logitsOf`. No native code. */
export async function fakeModel(definitions: readonly HeadDefinition[], logitsOf: LogitsOf, family = 'bert'): Promise<FakeModel> {
  const folder = await openFolder(path.join(FIXTURES, 'models', family))
  const { modules, config } = folder
  const tokenizer = await Tokenizer.open(folder.folder, { maxLength: modules.maxSeqLength, doLowerCase: modules.doLowerCase, config })
  const native = {
    addHead: async () => {},
    removeHead: async () => {},
    extendHead: async () => {},
    abort: (task: number) => parts.aborted.push(task),
    predict: async (request: PredictRequest): Promise<PredictResult> => {
      // What there is when the call is made: its heads too.
      const heads = request.heads.map((name) => parts.heads.require(name))
      parts.calls.push(request)
      await parts.pause(parts.calls.length - 1)
      const rows = Array.from({ length: request.offsets.length - 1 }, (_, i) => [
        ...request.ids.subarray(request.offsets[i], request.offsets[i + 1]),
      ])
      return {
        logits: heads.map((head) => Float32Array.from(rows.flatMap((ids) => [...logitsOf(head, ids)]))),
        embedding: request.embedding && {
          values: Float32Array.from(rows.flatMap((ids) => [ids.length, ids[1] ?? -1])),
          dimension: 2,
          nonFiniteRow: -1,
          weights: '',
        },
        nonFiniteRow: parts.nonFiniteRow,
      }
    },
  } as unknown as NativeModel
  const heads = new Heads({ native, modules, config, training: () => parts.trainer !== undefined, closeIdleTrainer() {} })
  const parts: FakeModel = {
    native,
    tokenizer,
    folder,
    heads,
    admission: new Admission(2 ** 28),
    saves: new SerialQueue(),
    info: {} as LoadedModel['info'],
    trainer: undefined,
    keptTrainer: undefined,
    trained: false,
    weights: '',
    calls: [],
    pause: () => {},
    aborted: [],
    nonFiniteRow: -1,
  }
  for (const definition of definitions) heads.add(definition)
  await heads.ready
  return parts
}

/** Unambiguous logits: `high` for the label at `place`, 0 for the others. */
export function sure(labels: number, place: number, high = 8): number[] {
  return Array.from({ length: labels }, (_, i) => (i === place ? high : 0))
}
