import type { StoredHead } from '../heads/heads'
import { SentorchError } from '../base/errors'
import { headInputs, type HeadContext } from '../heads/options'
import { readJson } from '../files/read'
import { Ledger, type Misfit } from './ledger'
import { resolveFile, type ModelRoot } from '../files/paths'
import { readSafetensorsHeader } from './safetensors'
import { parseSentorchJson, type SentorchJson } from './sentorch-json'

export const SENTORCH_JSON = 'sentorch.json'
export const HEADS_FILE = 'heads.safetensors'

export interface ReadHeads extends Pick<SentorchJson, 'training' | 'notes'> {
  heads: StoredHead[]
  ledger?: Ledger
  misfit?: Misfit
}

/**
 * Reads sentorch.json and the header of heads.safetensors; undefined where the folder has neither. The path of the second is appended to
 * `files`. What does not fit is handed back like that of the other weights.
 */
export async function readHeads(root: ModelRoot, context: HeadContext, files: string[]): Promise<ReadHeads | undefined> {
  const json = await readJson(root, SENTORCH_JSON)
  const file = await resolveFile(root, HEADS_FILE)
  if (json === undefined) {
    if (file === undefined) return undefined
    throw missing(root, SENTORCH_JSON, `${HEADS_FILE} lies there, which has a meaning only together with it`)
  }
  const { heads, ...rest } = parseSentorchJson(json, `${SENTORCH_JSON} in ${root.shown}`, context)
  if (file === undefined) {
    if (heads.length === 0) return { heads: [], ...rest }
    throw missing(root, HEADS_FILE, `${SENTORCH_JSON} names ${heads.map(({ name }) => name).join(', ')}, whose weights it holds`)
  }
  const place = files.push(file) - 1
  const { tensors } = await readSafetensorsHeader(file, HEADS_FILE)
  const located = new Map([...tensors].map(([name, tensor]) => [name, { ...tensor, file: place }]))
  const ledger = new Ledger({ name: HEADS_FILE, tensors: located }, SENTORCH_JSON)
  const stored = heads.map((head) => ({
    head,
    layers: layerSizes(head, context).map(([inputs, outputs], layer) => ledger.linear(`${head.name}.${layer}`, inputs, outputs)),
  }))
  const misfit = ledger.close()
  return { heads: stored, ...rest, ledger, ...(misfit && { misfit }) }
}

/** [inputs, outputs] of each layer of a head. */
export function layerSizes(head: StoredHead['head'], context: HeadContext): [number, number][] {
  const sizes = [headInputs(head, context).inputs, ...head.hidden, head.labels.length]
  return sizes.slice(1).map((outputs, i) => [sizes[i]!, outputs])
}

function missing(root: ModelRoot, file: string, why: string): SentorchError {
  return new SentorchError('ERR_MODEL_FORMAT', `There is no ${file} in ${root.shown}, but ${why}: the folder is not whole.`, {
    detail: { file },
  })
}
