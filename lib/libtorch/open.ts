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
 * Finds libtorch and opens it together with the core, off the JavaScript thread. The first call takes about a third of a second.
 * `cuda`: open the CUDA libraries too, if they exist; `path`: a location to use instead of searching the usual ones.
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
  /** Why this device was chosen. */
  reason: string
}

/** Whether opening the CUDA libraries makes sense for this choice: it takes a second and gigabytes of address space. */
export function wantsCuda(option: DeviceOption): (libtorch: Libtorch) => boolean {
  return (libtorch) => libtorch.cudaLibraries.length > 0 && (option.startsWith('cuda') || (option === 'auto' && driverPresent()))
}

/** Detects NVIDIA's driver without opening a library. */
function driverPresent(): boolean {
  if (process.platform === 'linux') return existsSync('/dev/nvidiactl') || existsSync('/dev/dxg')
  return process.platform === 'win32' && existsSync(`${process.env.SystemRoot ?? 'C:\\Windows'}\\System32\\nvcuda.dll`)
}

/** Throws ERR_DEVICE_UNAVAILABLE if a requested CUDA device does not exist. 'auto' also returns the reason for its choice. */
export function chooseDevice(option: DeviceOption, { library, libtorch }: Native): ChosenDevice {
  const devices = library.cudaDevices
  if (option === 'cpu') return { device: 'cpu', reason: 'requested' }
  const wanted = option === 'auto' || option === 'cuda' ? 'cuda:0' : option
  if (devices.includes(wanted)) return { device: wanted, reason: option === 'auto' ? `auto: ${wanted} is available` : 'requested' }
  const why = missingReason(libtorch, devices)
  if (option === 'auto') return { device: 'cpu', reason: `auto: ${why}` }
  throw new SentorchError('ERR_DEVICE_UNAVAILABLE', `Device '${option}' cannot be used: ${why}. Use device 'cpu' or 'auto'.`, {
    detail: { device: option, devices, libtorch: libtorch.root },
  })
}

function missingReason(libtorch: Libtorch, devices: readonly string[]): string {
  if (libtorch.cudaLibraries.length === 0) {
    return `the libtorch in ${libtorch.root} has no CUDA libraries (to add them, run npx sentorch install-libtorch --cuda)`
  }
  if (devices.length > 0) return `libtorch detects only ${devices.join(', ')}`
  return driverPresent() ? 'libtorch detects no CUDA device' : 'the NVIDIA driver is not installed'
}
