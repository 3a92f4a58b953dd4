/** A wheel and the files to keep from it. Paths are those inside the wheel. */
export interface Wheel {
  name: string
  version: string
  /**
   * The only file that the values below apply to: builds for other Python versions have different content. The kept files do not depend on
   * Python, so the installed Python, if any, does not matter.
   */
  file: string
  /** Size of the wheel in bytes. */
  bytes: number
  /** sha256 of the wheel's RECORD, which in turn holds the sha256 of every member. */
  record: string
  /** Needed for running or linking. */
  libraries: readonly string[]
  /** Also kept if CUDA is requested. */
  cudaLibraries?: readonly string[]
  /** True if the wheel contains the headers for building. */
  headers?: true
}

/** The libraries of the torch wheel that only CUDA needs. */
export const TORCH_CUDA_LIBRARIES = [
  'torch/lib/libc10_cuda.so',
  'torch/lib/libcaffe2_nvrtc.so',
  'torch/lib/libtorch_cuda.so',
  'torch/lib/libtorch_cuda_linalg.so',
  'torch/lib/libtorch_nvshmem.so',
]

/** The CUDA libraries that `libtorch_cuda.so` needs, in the versions that torch's metadata requires. */
export const CUDA_WHEELS_LINUX_X64: readonly Wheel[] = [
  {
    name: 'nvidia-cublas',
    version: '13.1.0.3',
    file: 'nvidia_cublas-13.1.0.3-py3-none-manylinux_2_27_x86_64.whl',
    bytes: 423_133_236,
    record: '35a31bf9f5d4fa709c63a127c3b0651f3ccfec462c422cf8bf5d9e964301de59',
    libraries: ['nvidia/cu13/lib/libcublas.so.13', 'nvidia/cu13/lib/libcublasLt.so.13', 'nvidia/cu13/lib/libnvblas.so.13'],
  },
  {
    name: 'nvidia-cuda-nvrtc',
    version: '13.0.88',
    file: 'nvidia_cuda_nvrtc-13.0.88-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl',
    bytes: 90_215_200,
    record: 'c836d98d0eebc101713a79a8d2802f22dfe8b3f9118403d987470bc0b59c9e0b',
    libraries: ['nvidia/cu13/lib/libnvrtc-builtins.so.13.0', 'nvidia/cu13/lib/libnvrtc.so.13'],
  },
  {
    name: 'nvidia-cudnn-cu13',
    version: '9.19.0.56',
    file: 'nvidia_cudnn_cu13-9.19.0.56-py3-none-manylinux_2_27_x86_64.whl',
    bytes: 366_066_321,
    record: 'f3d7140798fccda99fb75841ff41c5dd88de4bc6bd5bffb49200c9b7bf791ca8',
    libraries: [
      'nvidia/cudnn/lib/libcudnn.so.9',
      'nvidia/cudnn/lib/libcudnn_adv.so.9',
      'nvidia/cudnn/lib/libcudnn_cnn.so.9',
      'nvidia/cudnn/lib/libcudnn_engines_precompiled.so.9',
      'nvidia/cudnn/lib/libcudnn_engines_runtime_compiled.so.9',
      'nvidia/cudnn/lib/libcudnn_graph.so.9',
      'nvidia/cudnn/lib/libcudnn_heuristic.so.9',
      'nvidia/cudnn/lib/libcudnn_ops.so.9',
    ],
  },
  {
    name: 'nvidia-cufft',
    version: '12.0.0.61',
    file: 'nvidia_cufft-12.0.0.61-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
    bytes: 214_085_489,
    record: '50d86a39c8b16aaedabf82f2e54418ecd00435467f47bdcc12f08b3f00c5dcb4',
    libraries: ['nvidia/cu13/lib/libcufft.so.12', 'nvidia/cu13/lib/libcufftw.so.12'],
  },
  {
    name: 'nvidia-cufile',
    version: '1.15.1.6',
    file: 'nvidia_cufile-1.15.1.6-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
    bytes: 1_223_672,
    record: '71e64aad4a5cac9a56b737d732caa43c0ebc36e4e5ac4f63b523f45ab50285d6',
    libraries: ['nvidia/cu13/lib/libcufile.so.0', 'nvidia/cu13/lib/libcufile_rdma.so.1'],
  },
  {
    name: 'nvidia-curand',
    version: '10.4.0.35',
    file: 'nvidia_curand-10.4.0.35-py3-none-manylinux_2_27_x86_64.whl',
    bytes: 59_544_258,
    record: 'a4340ab778f30ac2b39e95dd8447a6d79925287d312442c102dac6e2105dc025',
    libraries: ['nvidia/cu13/lib/libcurand.so.10'],
  },
  {
    name: 'nvidia-cusolver',
    version: '12.0.4.66',
    file: 'nvidia_cusolver-12.0.4.66-py3-none-manylinux_2_27_x86_64.whl',
    bytes: 200_941_980,
    record: '2b13143036698247ffae6687e0645d1b903cef6d6851c04bc3f45536f918cb92',
    libraries: ['nvidia/cu13/lib/libcusolver.so.12', 'nvidia/cu13/lib/libcusolverMg.so.12'],
  },
  {
    name: 'nvidia-cusparse',
    version: '12.6.3.3',
    file: 'nvidia_cusparse-12.6.3.3-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
    bytes: 145_942_937,
    record: '1bc905cfcd5b254d22a6866884cd7280da178e2bf7971dcfef65dd6c11c72dfd',
    libraries: ['nvidia/cu13/lib/libcusparse.so.12'],
  },
  {
    name: 'nvidia-cusparselt-cu13',
    version: '0.8.0',
    file: 'nvidia_cusparselt_cu13-0.8.0-py3-none-manylinux2014_x86_64.whl',
    bytes: 169_884_119,
    record: '43278a3f845551894a9cf1381e29b7c5b845aa1eae0b14bb4f8338c470c042ff',
    libraries: ['nvidia/cusparselt/lib/libcusparseLt.so.0'],
  },
  {
    name: 'nvidia-nccl-cu13',
    version: '2.28.9',
    file: 'nvidia_nccl_cu13-2.28.9-py3-none-manylinux_2_18_x86_64.whl',
    bytes: 196_493_177,
    record: '354815308954b2fd5ffcfe2fc264ed611ee91912cadbab28632d10424988f4bb',
    libraries: ['nvidia/nccl/lib/libnccl.so.2'],
  },
  {
    name: 'nvidia-nvjitlink',
    version: '13.0.88',
    file: 'nvidia_nvjitlink-13.0.88-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl',
    bytes: 40_713_933,
    record: '8deabe93d94e96f22180365bcd7c5a39c30c41e97d3cd7f9bb375cd1460eddfa',
    libraries: ['nvidia/cu13/lib/libnvJitLink.so.13'],
  },
  {
    name: 'nvidia-nvshmem-cu13',
    version: '3.4.5',
    file: 'nvidia_nvshmem_cu13-3.4.5-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
    bytes: 60_412_546,
    record: 'b6aa8392b88088391e5b1ce756ca95d02035d25c26ea070f65794b24cb095fd7',
    libraries: [
      'nvidia/nvshmem/lib/libnvshmem_host.so.3',
      'nvidia/nvshmem/lib/nvshmem_bootstrap_mpi.so.3',
      'nvidia/nvshmem/lib/nvshmem_bootstrap_pmi.so.3',
      'nvidia/nvshmem/lib/nvshmem_bootstrap_pmi2.so.3',
      'nvidia/nvshmem/lib/nvshmem_bootstrap_pmix.so.3',
      'nvidia/nvshmem/lib/nvshmem_bootstrap_shmem.so.3',
      'nvidia/nvshmem/lib/nvshmem_bootstrap_uid.so.3',
      'nvidia/nvshmem/lib/nvshmem_transport_ibdevx.so.3',
      'nvidia/nvshmem/lib/nvshmem_transport_ibgda.so.3',
      'nvidia/nvshmem/lib/nvshmem_transport_ibrc.so.3',
      'nvidia/nvshmem/lib/nvshmem_transport_libfabric.so.3',
      'nvidia/nvshmem/lib/nvshmem_transport_ucx.so.3',
    ],
  },
  {
    name: 'nvidia-nvtx',
    version: '13.0.85',
    file: 'nvidia_nvtx-13.0.85-py3-none-manylinux1_x86_64.manylinux_2_5_x86_64.whl',
    bytes: 148_047,
    record: '2a8c8921f0a28790c1ef3c6f4c7f2ee5972f94a3818b1bbe12d99030afb72a66',
    libraries: ['nvidia/cu13/lib/libnvtx3interop.so.1'],
  },
]
