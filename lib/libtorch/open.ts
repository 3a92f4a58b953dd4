import type { Addon, Library } from '../../binding'
import { load } from '../native/addon'
import { fromNative } from '../native/call'
import { findLibtorch, type Libtorch } from './find'

export interface Native {
  addon: Addon
  library: Library
  libtorch: Libtorch
}

/**
 * Finds libtorch and opens it with the core, off the JavaScript thread; the first time takes about a third of a second.
 * `cuda`: the CUDA libraries too, where there are any; `path`: the place to look at instead of the usual ones.
 * Rejects with ERR_ADDON_MISSING, ERR_LIBTORCH_MISSING, ERR_LIBTORCH_VERSION.
 */
export async function openNative(options: { path?: string; cuda?: (libtorch: Libtorch) => boolean } = {}): Promise<Native> {
  const { addon, core } = load()
  const libtorch = await findLibtorch({ path: options.path })
  const libraries = options.cuda?.(libtorch) ? [...libtorch.libraries, ...libtorch.cudaLibraries] : libtorch.libraries
  const library = await fromNative(addon.open({ libraries, core }))
  return { addon, library, libtorch }
}
