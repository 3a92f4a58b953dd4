import { existsSync } from 'node:fs'
import type { Addon, Library } from '../../binding'
import { SentorchError } from '../base/errors'
import type { DeviceOption } from '../model/load-options'
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

export interface ChosenDevice {
  /** 'cpu' or 'cuda:N'. */
  device: string
  /** Why it was taken. */
  reason: string
}

/** Whether CUDA's libraries are worth opening for this choice: they take a second and gigabytes of address space. */
export function wantsCuda(option: DeviceOption): (libtorch: Libtorch) => boolean {
  return (libtorch) => libtorch.cudaLibraries.length > 0 && (option.startsWith('cuda') || (option === 'auto' && driverPresent()))
}

/** NVIDIA's driver shows itself without any library being opened. */
function driverPresent(): boolean {
  if (process.platform === 'linux') return existsSync('/dev/nvidiactl') || existsSync('/dev/dxg')
  return process.platform === 'win32' && existsSync(`${process.env.SystemRoot ?? 'C:\\Windows'}\\System32\\nvcuda.dll`)
}

/** ERR_DEVICE_UNAVAILABLE for a CUDA device that was asked for and is not there; 'auto' says why it took what it took. */
export function chooseDevice(option: DeviceOption, { library, libtorch }: Native): ChosenDevice {
  const devices = library.cudaDevices
  if (option === 'cpu') return { device: 'cpu', reason: 'asked for' }
  const wanted = option === 'auto' || option === 'cuda' ? 'cuda:0' : option
  if (devices.includes(wanted)) return { device: wanted, reason: option === 'auto' ? `auto: ${wanted} is there` : 'asked for' }
  const why = missingReason(libtorch, devices)
  if (option === 'auto') return { device: 'cpu', reason: `auto: ${why}` }
  throw new SentorchError('ERR_DEVICE_UNAVAILABLE', `Device '${option}' cannot be used: ${why}. Load with device 'cpu' or 'auto'.`, {
    detail: { device: option, devices, libtorch: libtorch.root },
  })
}

function missingReason(libtorch: Libtorch, devices: readonly string[]): string {
  if (libtorch.cudaLibraries.length === 0) {
    return `the libtorch in ${libtorch.root} has no CUDA libraries (npx sentorch install-libtorch --cuda adds them)`
  }
  if (devices.length > 0) return `libtorch sees only ${devices.join(', ')}`
  return driverPresent() ? 'libtorch sees no CUDA device' : 'there is no NVIDIA driver'
}
