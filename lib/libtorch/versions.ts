import { CUDA_WHEELS_LINUX_X64, TORCH_CUDA_LIBRARIES, type Wheel } from './wheels'

/**
 * The only base version that this package works with; any local suffix (`+cpu`, `+cu130`) is accepted.
 * libtorch does not guarantee a stable C++ ABI between minor versions.
 */
export const TORCH_VERSION = '2.11.0'

export interface PlatformRow {
  wheels: readonly Wheel[]
  /** Additional wheels for CUDA; absent if the platform has none. */
  cudaWheels?: readonly Wheel[]
  /** Libraries of `torch/lib` in opening order. On Linux their dependencies are read from the files. */
  open: readonly string[]
  openCuda: readonly string[]
  /** Approximate size of an installation in bytes, without and with CUDA. */
  installedBytes: number
  installedBytesCuda?: number
}

const LINUX_OPEN = ['libc10.so', 'libtorch_cpu.so']
const LINUX_OPEN_CUDA = ['libc10_cuda.so', 'libtorch_cuda.so']

function torch(row: Omit<Wheel, 'name' | 'version' | 'headers' | 'libraries'> & { libraries: string[] }): Wheel {
  const libraries = ['torch/version.py', ...row.libraries.map((library) => `torch/lib/${library}`)]
  return { ...row, name: 'torch', version: TORCH_VERSION, libraries, headers: true }
}

export const PLATFORMS: Readonly<Record<string, PlatformRow>> = {
  'linux-x64': {
    wheels: [
      torch({
        file: 'torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl',
        bytes: 530_604_548,
        record: '86b11de9e81e378fe38d68644e581b98c138494d67197b94ba12eade2be836e7',
        libraries: ['libc10.so', 'libgomp.so.1', 'libtorch_cpu.so'],
        cudaLibraries: TORCH_CUDA_LIBRARIES,
      }),
      {
        name: 'nvidia-cuda-cupti',
        version: '13.0.85',
        file: 'nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_x86_64.whl',
        bytes: 10_715_597,
        record: 'f8ae8ddce85f8e319abac90e956bf45a572e31f4ff01af2d634f37aa3d78e3eb',
        libraries: ['nvidia/cu13/lib/libcupti.so.13'],
      },
      {
        name: 'nvidia-cuda-runtime',
        version: '13.0.96',
        file: 'nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
        bytes: 2_243_632,
        record: '34c7a65651597fd8a376b049b69bb26db399a9ea443a7a142ccd34f5a10f79c4',
        libraries: ['nvidia/cu13/lib/libcudart.so.13'],
      },
    ],
    cudaWheels: CUDA_WHEELS_LINUX_X64,
    open: LINUX_OPEN,
    openCuda: LINUX_OPEN_CUDA,
    installedBytes: 493_000_000,
    installedBytesCuda: 3_639_000_000,
  },
  'linux-arm64': {
    wheels: [
      torch({
        file: 'torch-2.11.0-cp311-cp311-manylinux_2_28_aarch64.whl',
        bytes: 419_718_178,
        record: 'e4931d1af224e3e69f194c46667e22898830ee09efb52489a3f90ff55e219b5e',
        libraries: [
          'libarm_compute.so',
          'libarm_compute_graph.so',
          'libc10.so',
          'libgomp.so.1',
          'libnvpl_blas_core.so.0',
          'libnvpl_blas_lp64_gomp.so.0',
          'libnvpl_lapack_core.so.0',
          'libnvpl_lapack_lp64_gomp.so.0',
          'libtorch_cpu.so',
        ],
      }),
      {
        name: 'nvidia-cuda-cupti',
        version: '13.0.85',
        file: 'nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_aarch64.whl',
        bytes: 10_310_827,
        record: 'd26eaae605b8bd5e97a7355a3938d2213f2062f0f23d2afd1c00c9d8647cf4a6',
        libraries: ['nvidia/cu13/lib/libcupti.so.13'],
      },
      {
        name: 'nvidia-cuda-runtime',
        version: '13.0.96',
        file: 'nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_aarch64.manylinux_2_17_aarch64.whl',
        bytes: 2_261_060,
        record: '8ff0b015e7bb39dbf9cfc2a997cdb581914c6661dbbdbc1a71c7cc3da6a4dc11',
        libraries: ['nvidia/cu13/lib/libcudart.so.13'],
      },
    ],
    open: LINUX_OPEN,
    openCuda: LINUX_OPEN_CUDA,
    installedBytes: 334_000_000,
  },
  'darwin-arm64': {
    wheels: [
      torch({
        file: 'torch-2.11.0-cp311-cp311-macosx_11_0_arm64.whl',
        bytes: 80_529_712,
        record: '46fcc2b1098231cce593fc18eed1696bc5f4ec8a7c888c4c503390ad0df7c1b9',
        libraries: ['libc10.dylib', 'libomp.dylib', 'libtorch_cpu.dylib'],
      }),
    ],
    open: ['libomp.dylib', 'libc10.dylib', 'libtorch_cpu.dylib'],
    openCuda: [],
    installedBytes: 254_000_000,
  },
  'win32-x64': {
    wheels: [
      torch({
        file: 'torch-2.11.0-cp311-cp311-win_amd64.whl',
        bytes: 114_519_675,
        record: '407060ea2cdcb2141cd885627db8dde794b320855b02847ea7e922be291a5c8a',
        libraries: ['c10.dll', 'c10.lib', 'libiomp5md.dll', 'torch_cpu.dll', 'torch_cpu.lib', 'uv.dll'],
      }),
    ],
    open: ['libiomp5md.dll', 'uv.dll', 'c10.dll', 'torch_cpu.dll'],
    openCuda: ['c10_cuda.dll', 'torch_cuda.dll'],
    installedBytes: 335_000_000,
  },
}

/** `2.11.0+cu130` → `2.11.0`. */
export function baseVersion(version: string): string {
  return version.split('+', 1)[0]!
}
