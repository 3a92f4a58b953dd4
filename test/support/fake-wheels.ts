import { createHash, randomBytes } from 'node:crypto'
import type { PlatformRow } from '../../lib/libtorch/versions'
import type { Wheel } from '../../lib/libtorch/wheels'
import { elf } from './elf'
import { zip } from './zip'

export interface FakeWheels {
  row: PlatformRow
  /** The archives by file name. */
  archives: Map<string, Buffer>
  /** What must come out, by path inside the installation. */
  kept: Record<string, Buffer>
  /** What comes out beyond that with CUDA. */
  keptForCuda: Record<string, Buffer>
}

const sha256 = (bytes: Buffer, form: 'hex' | 'base64url'): string => createHash('sha256').update(bytes).digest(form)

function pack(row: Omit<Wheel, 'bytes' | 'record'>, members: Record<string, Buffer>): { wheel: Wheel; archive: Buffer } {
  const info = `${row.file.split('-', 2).join('-')}.dist-info`
  const all: Record<string, Buffer> = { ...members, [`${info}/licenses/LICENSE`]: Buffer.from('Take it.') }
  const lines = Object.entries(all).map(([path, bytes]) => `${path},sha256=${sha256(bytes, 'base64url')},${bytes.length}`)
  const record = Buffer.from([...lines, `${info}/RECORD,,`, ''].join('\n'))
  const archive = zip({ ...all, [`${info}/RECORD`]: record })
  return { wheel: { ...row, bytes: archive.length, record: sha256(record, 'hex') }, archive }
}

/** A row of the table with two wheels of the real structure: a few megabytes that do not compress, and as much that is not wanted. */
export function fakeWheels(): FakeWheels {
  const library = (needed: string[], size: number): Buffer => Buffer.concat([elf(needed), randomBytes(size)])
  const torchLibraries: Record<string, Buffer> = {
    'torch/version.py': Buffer.from("__version__ = '2.11.0+cu130'\n"),
    'torch/lib/libc10.so': library([], 20_000),
    'torch/lib/libgomp.so.1': library([], 3000),
    'torch/lib/libtorch_cpu.so': library(['libc10.so', 'libgomp.so.1', 'libcupti.so.13', 'libc.so.6'], 2_500_000),
  }
  const headers = { 'torch/include/ATen/ATen.h': Buffer.from('#pragma once\n'.repeat(50)) }
  const cudaLibraries = {
    'torch/lib/libc10_cuda.so': library(['libc10.so'], 1000),
    'torch/lib/libtorch_cuda.so': library(['libc10_cuda.so', 'libtorch_cpu.so'], 2_500_000),
  }
  const torch = pack(
    {
      name: 'torch',
      version: '2.11.0',
      file: 'torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl',
      libraries: Object.keys(torchLibraries),
      cudaLibraries: Object.keys(cudaLibraries),
      headers: true,
    },
    {
      'torch/__init__.py': randomBytes(900_000),
      'torch/include/google/protobuf/any.h': Buffer.from('not kept'),
      ...headers,
      ...torchLibraries,
      ...cudaLibraries,
      'torch/nn/functional.py': randomBytes(700_000),
    },
  )
  const cuptiLibraries = { 'nvidia/cu13/lib/libcupti.so.13': library([], 40_000) }
  const cupti = pack(
    {
      name: 'nvidia-cuda-cupti',
      version: '13.0.85',
      file: 'nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_x86_64.whl',
      libraries: Object.keys(cuptiLibraries),
    },
    { ...cuptiLibraries, 'nvidia/cu13/lib/libnvperf_host.so': randomBytes(60_000) },
  )
  const row: PlatformRow = {
    wheels: [torch.wheel, cupti.wheel],
    cudaWheels: [],
    open: ['libc10.so', 'libtorch_cpu.so'],
    openCuda: ['libc10_cuda.so', 'libtorch_cuda.so'],
    installedBytes: 2_600_000,
  }
  const archives = new Map([torch, cupti].map(({ wheel, archive }) => [wheel.file, archive]))
  return { row, archives, kept: { ...torchLibraries, ...headers, ...cuptiLibraries }, keptForCuda: cudaLibraries }
}
