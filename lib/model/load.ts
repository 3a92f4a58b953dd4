import type { LoadResult, NativeModel } from '../../binding'
import { throwIfAborted } from '../base/errors'
import { FolderIdentity } from '../format/file-identity'
import { openFolder, type ModelFolder } from '../format/folder'
import { verifyFolder } from '../format/manifest'
import { Heads } from '../heads/heads'
import { resolveModel, type ResolvedModel } from '../hub/hub'
import { chooseDevice, openNative, wantsCuda, type ChosenDevice, type Native } from '../libtorch/open'
import { fromNative, stoppable } from '../native/call'
import { startTokenizing } from '../tokenizer/queue'
import { Tokenizer } from '../tokenizer/tokenizer'
import { Admission, closeIdleTrainer, SerialQueue, type LoadedModel } from './loaded-model'
import { refuseOtherHeads } from './declared'
import { describeModel } from './info'
import type { ResolvedLoad } from './load-options'

/** A model's folder with its tokenizer, before the weights are read. */
interface OpenedFolder {
  resolved: ResolvedModel
  place: FolderIdentity
  folder: ModelFolder
  tokenizer: Tokenizer
}

/** Opens a model by its folder or its id on the hub. */
export async function loadModel(where: string, request: ResolvedLoad): Promise<LoadedModel> {
  const { signal, onProgress } = request
  throwIfAborted(signal)
  const { library, opened } = await openLibraryAndFolder(where, request)
  throwIfAborted(signal)
  const native = new library.addon.Model()
  // Loading has no task number: to abort it is to dispose of what would have been loaded.
  const stop = () => void native.dispose().catch(() => {})
  const loaded = await stoppable(signal, stop, async () => {
    const device = chooseDevice(request.device, library)
    const weights = await readWeights(native, opened, device, request)
    await startTokenizerThreads(opened, library)
    throwIfAborted(signal)
    const { weightBytes } = opened.folder
    await onProgress?.({ stage: 'load', loaded: weightBytes, total: weightBytes })
    const model = assemble(native, library, opened, device, weights, request)
    await model.heads.restore(opened.folder.heads, opened.folder.files)
    return model
  })
  // An abort after the last check above has disposed of the model, or has come too late to do so.
  if (signal?.aborted) stop()
  throwIfAborted(signal)
  return loaded
}

/** libtorch is opened on a native thread while JavaScript reads the folder and the tokenizer. The first failure ends the download. */
async function openLibraryAndFolder(where: string, request: ResolvedLoad): Promise<{ library: Native; opened: OpenedFolder }> {
  const failure = new AbortController()
  const signal = request.signal ? AbortSignal.any([request.signal, failure.signal]) : failure.signal
  const opening = openNative({ path: request.libtorch, cuda: wantsCuda(request.device) })
  const [library, opened] = await Promise.all([opening, readFolder(where, request, signal)]).catch((error: unknown) => {
    failure.abort(error)
    throw error
  })
  return { library, opened }
}

/** Finds or downloads the folder, then reads its configuration, the headers of its weights and its tokenizer. */
async function readFolder(where: string, request: ResolvedLoad, signal: AbortSignal): Promise<OpenedFolder> {
  const resolved = await resolveModel(where, { ...request.hub, onProgress: request.onProgress, signal })
  if (request.verify) await verifyFolder(resolved.folder, signal)
  const place = await FolderIdentity.of(resolved.folder)
  return place.whileReading(async () => {
    const folder = await openFolder(resolved.folder, request.properties)
    refuseOtherHeads(
      request.heads,
      folder.heads.map(({ head }) => head),
      folder.folder,
    )
    return { resolved, place, folder, tokenizer: await openTokenizer(folder, request.trustTokenizer) }
  })
}

function openTokenizer({ root, modules, config }: ModelFolder, trusted: boolean): Promise<Tokenizer> {
  return Tokenizer.open(
    { root, path: modules.transformerPath },
    { maxLength: modules.maxSeqLength, doLowerCase: modules.doLowerCase, config, trusted },
  )
}

function readWeights(
  native: NativeModel,
  { place, folder }: OpenedFolder,
  { device }: ChosenDevice,
  { dtype, threads, kernels }: ResolvedLoad,
): Promise<LoadResult> {
  const { files, encoder, dense } = folder
  return place.whileReading(() => fromNative(native.load({ files, encoder, dense, dtype, device, threads, kernels })), folder)
}

async function startTokenizerThreads({ tokenizer, folder }: OpenedFolder, library: Native): Promise<void> {
  await startTokenizing(
    () => tokenizer.encode(['a'], folder.config.usablePositions),
    (count) => library.addon.startableThreads(count),
  )
}

function assemble(
  native: NativeModel,
  library: Native,
  { resolved, folder, tokenizer }: OpenedFolder,
  device: ChosenDevice,
  loaded: LoadResult,
  { dtype, threads, queueBytes }: ResolvedLoad,
): LoadedModel {
  const { modules, config } = folder
  const model: LoadedModel = {
    native,
    tokenizer,
    folder,
    admission: new Admission(queueBytes),
    info: describeModel({ resolved, folder, tokenizer, native: library, loaded, device, dtype, threads }),
    heads: new Heads({
      native,
      modules,
      config,
      training: () => model.trainer !== undefined,
      closeIdleTrainer: () => closeIdleTrainer(model),
    }),
    saves: new SerialQueue(),
    trainer: undefined,
    keptTrainer: undefined,
    trained: false,
    weights: loaded.weights,
  }
  return model
}
