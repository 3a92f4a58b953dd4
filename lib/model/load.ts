import type { NativeModel } from '../../binding'
import { throwIfAborted } from '../base/errors'
import { Turns } from '../base/turns'
import { openFolder, type ModelFolder } from '../format/folder'
import { FolderIdentity } from '../format/file-identity'
import { verifyFolder } from '../format/manifest'
import { Heads } from '../heads/heads'
import { resolveModel, type ResolvedModel } from '../hub/hub'
import { chooseDevice, openNative, wantsCuda, type Native } from '../libtorch/open'
import { fromNative } from '../native/call'
import { startTokenizing } from '../tokenizer/queue'
import { Tokenizer } from '../tokenizer/tokenizer'
import { Admission } from './admission'
import { describeModel } from './info'
import type { ResolvedLoad } from './load-options'
import { closeIdleTrainer, type ModelParts } from './parts'

/** A folder that was read, before anything native knows of it. */
interface OpenedFolder {
  resolved: ResolvedModel
  place: FolderIdentity
  folder: ModelFolder
  tokenizer: Tokenizer
}

/** Opens a model by its folder or its id on the hub. */
export async function loadModel(where: string, request: ResolvedLoad): Promise<ModelParts> {
  throwIfAborted(request.signal)
  const { native, opened } = await openBoth(where, request)
  const model = new native.addon.Model()
  const { signal } = request
  // Loading has no task number: giving it up is disposing of what would have been loaded.
  const stop = () => void model.dispose().catch(() => {})
  signal?.addEventListener('abort', stop, { once: true })
  try {
    const parts = await loadInto(model, native, opened, request)
    throwIfAborted(signal)
    return parts
  } catch (error) {
    stop()
    throwIfAborted(signal)
    throw error
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

/** libtorch opens on a native thread while JavaScript reads the folder and the tokenizer; the first failure gives up the download. */
async function openBoth(where: string, request: ResolvedLoad): Promise<{ native: Native; opened: OpenedFolder }> {
  const failure = new AbortController()
  const signal = request.signal ? AbortSignal.any([request.signal, failure.signal]) : failure.signal
  const opening = openNative({ path: request.libtorch, cuda: wantsCuda(request.device) })
  const [native, opened] = await Promise.all([opening, readModel(where, request, signal)]).catch((error: unknown) => {
    failure.abort(error)
    throw error
  })
  return { native, opened }
}

async function readModel(where: string, request: ResolvedLoad, signal: AbortSignal): Promise<OpenedFolder> {
  const resolved = await resolveModel(where, { ...request.hub, onProgress: request.onProgress, signal })
  if (request.verify) await verifyFolder(resolved.folder, signal)
  const place = await FolderIdentity.of(resolved.folder)
  return place.whileReading(async () => {
    const folder = await openFolder(resolved.folder)
    return { resolved, place, folder, tokenizer: await openTokenizer(folder, request.trustTokenizer) }
  })
}

function openTokenizer({ root, modules, config }: ModelFolder, trusted: boolean): Promise<Tokenizer> {
  return Tokenizer.open(
    { root, path: modules.transformerPath },
    { maxLength: modules.maxSeqLength, doLowerCase: modules.doLowerCase, config, trusted },
  )
}

/** Reads the weights and restores the heads. */
async function loadInto(
  model: NativeModel,
  native: Native,
  { resolved, place, folder, tokenizer }: OpenedFolder,
  { dtype, threads, kernels, device: wanted, queueBytes, signal, onProgress }: ResolvedLoad,
): Promise<ModelParts> {
  const device = chooseDevice(wanted, native)
  throwIfAborted(signal)
  const { files, encoder, dense, weightBytes } = folder
  const source = { files, encoder, dense, dtype, device: device.device, threads, kernels }
  const loaded = await place.whileReading(() => fromNative(model.load(source)), folder)
  await startTokenizing(
    () => tokenizer.encode(['a'], folder.config.usablePositions),
    (count) => native.addon.startableThreads(count),
  )
  throwIfAborted(signal)
  await onProgress?.({ stage: 'load', loaded: weightBytes, total: weightBytes })
  const parts: ModelParts = {
    native: model,
    tokenizer,
    folder,
    admission: new Admission(queueBytes),
    info: describeModel({ resolved, folder, tokenizer, native, loaded, device, dtype, threads }),
    heads: new Heads({
      native: model,
      modules: folder.modules,
      config: folder.config,
      training: () => parts.trainer !== undefined,
      closeIdleTrainer: () => closeIdleTrainer(parts),
    }),
    saves: new Turns(),
    trainer: undefined,
    keptTrainer: undefined,
    trained: false,
  }
  await parts.heads.restore(folder.heads, folder.files)
  return parts
}
