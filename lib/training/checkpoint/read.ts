import { openRegular, openRoot, readExactly, resolveFile, type ModelRoot } from '../../files/read'
import { jsonProblem } from '../../files/file-errors'
import { damageIn, MANIFEST_FILE, readManifest } from '../../format/manifest'
import { readSafetensorsHeader, type SafetensorsHeader } from '../../format/safetensors'
import { fromNative } from '../../native/call'
import { recoverFolder } from '../../files/staging'
import { OPTIMIZER_FILE, optimizerTensors, parseTrainerJson, TARGETS_FILE, TRAINER_JSON, type CheckedTrainerJson } from './checkpoint'
import { asCheckpoint, broken } from './errors'
import { fromPlainJson } from '../plain'
import { hasKept } from '../loop/best'
import type { Session } from '../loop/session'

/** Maximum size of trainer.json; enough for the reports of thousands of evaluations. */
const MAX_BYTES = 512 * 1024 * 1024

/** A checkpoint whose files are undamaged; `options`, `resolved` and `state` are not checked yet. */
export interface StoredTrainer extends CheckedTrainerJson {
  root: ModelRoot
}

/** Opens a checkpoint, after completing an interrupted replacement of its folder. ERR_CHECKPOINT if it is damaged or not a checkpoint. */
export async function openCheckpoint(dir: string): Promise<StoredTrainer> {
  await recoverFolder(dir)
  return asCheckpoint(dir, async () => {
    const root = await openRoot(dir)
    await refuseDamage(root)
    return { root, ...parseTrainerJson(await readTrainerJson(root), `${TRAINER_JSON} in ${dir}`) }
  })
}

/** Refuses changed files and files from different saves before any of them is used. */
async function refuseDamage(root: ModelRoot): Promise<void> {
  if ((await resolveFile(root, TRAINER_JSON)) === undefined) {
    throw broken(root.shown, `${TRAINER_JSON} is missing. Open a folder that contains only a model with Model.load`)
  }
  const manifest = await readManifest(root)
  if (manifest === undefined) throw broken(root.shown, `${MANIFEST_FILE}, which is needed to detect damage, is missing`)
  const unnamed = [TRAINER_JSON, OPTIMIZER_FILE].find((name) => !manifest.has(name))
  if (unnamed !== undefined) throw broken(root.shown, `${MANIFEST_FILE} does not name ${unnamed}`)
  const damage = await damageIn(root, manifest)
  if (damage !== undefined) throw broken(root.shown, damage)
}

async function readTrainerJson(root: ModelRoot): Promise<unknown> {
  const file = await resolveFile(root, TRAINER_JSON)
  if (file === undefined) throw broken(root.shown, `${TRAINER_JSON} is missing`)
  const { handle, size } = await openRegular(file, TRAINER_JSON)
  try {
    if (size > MAX_BYTES) throw broken(root.shown, `${TRAINER_JSON} has ${size} bytes, more than the maximum of ${MAX_BYTES}`)
    const text = (await readExactly(handle, 0, size, TRAINER_JSON)).toString('utf8')
    try {
      return fromPlainJson(text)
    } catch (error) {
      throw broken(root.shown, `${TRAINER_JSON} is not JSON: ${jsonProblem(error)}`)
    }
  } finally {
    await handle.close()
  }
}

/** Restores the optimizer state of the native trainer. ERR_CHECKPOINT if the file does not fit the parameters. */
export async function restoreOptimizer(session: Session, { root, updates }: Pick<StoredTrainer, 'root' | 'updates'>): Promise<void> {
  const { parameters, model } = session
  await asCheckpoint(root.shown, async () => {
    const unknown = Object.keys(updates).find((name) => !parameters.some((parameter) => parameter.name === name))
    if (unknown !== undefined)
      throw broken(root.shown, `${TRAINER_JSON} counts updates of the parameter ${unknown}, which the model does not have`)
    const { file, tensors } = await header(root, OPTIMIZER_FILE)
    const expected = optimizerTensors(session, updates, hasKept(session.state))
    const extra = [...tensors.keys()].find((name) => !expected.has(name))
    if (extra !== undefined) throw broken(root.shown, `${OPTIMIZER_FILE} contains ${extra}, which does not belong to a trained parameter`)
    const restored = [...expected].map(([name, { shape, from }]) => {
      const stored = tensors.get(name)
      if (!stored) throw broken(root.shown, `${OPTIMIZER_FILE} has no ${name}`)
      if (stored.dtype !== 'F32' || stored.shape.join() !== shape.join()) {
        throw broken(
          root.shown,
          `${name} in ${OPTIMIZER_FILE} is ${stored.dtype} [${stored.shape.join(', ')}], the model needs F32 [${shape.join(', ')}]`,
        )
      }
      const { parameter, value } = from as { parameter: string; value: 'value' | 'exp_avg' | 'exp_avg_sq' | 'kept' }
      return { parameter, value, source: { name, file: 0, offset: stored.offset, dtype: 'F32' as const, shape: [...shape] } }
    })
    const steps = Int32Array.from(parameters, ({ name }) => updates[name] ?? 0)
    await fromNative(model.native.restore({ files: [file], parameters: restored, steps }))
  })
}

/** Vectors of regression targets by key; empty if the checkpoint has none. */
export async function readTargets({ root }: Pick<StoredTrainer, 'root'>, dimension: number): Promise<Map<string, Float32Array>> {
  return asCheckpoint(root.shown, async () => {
    const known = new Map<string, Float32Array>()
    if ((await resolveFile(root, TARGETS_FILE)) === undefined) return known
    const { file, tensors } = await header(root, TARGETS_FILE)
    const { handle } = await openRegular(file, TARGETS_FILE)
    try {
      for (const [key, { dtype, shape, offset, bytes }] of tensors) {
        if (dtype !== 'F32' || shape.length !== 2 || shape[1] !== dimension) throw broken(root.shown, `${key} in ${TARGETS_FILE} does not contain vectors of dimension ${dimension}`) // prettier-ignore
        const data = await readExactly(handle, offset, bytes, TARGETS_FILE)
        known.set(key, new Float32Array(new Uint8Array(data).buffer))
      }
    } finally {
      await handle.close()
    }
    return known
  })
}

async function header(root: ModelRoot, name: string): Promise<{ file: string; tensors: SafetensorsHeader['tensors'] }> {
  const file = await resolveFile(root, name)
  if (file === undefined) throw broken(root.shown, `${name} is missing`)
  const { tensors } = await readSafetensorsHeader(file, name)
  return { file, tensors }
}
