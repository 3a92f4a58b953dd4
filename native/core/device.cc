#include "core/device.h"

#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include "common/cpu_features.h"
#include "core/guard.h"

namespace sentorch {
namespace {

// Uses the interfaces that libtorch_cuda registers when it is opened, so that the core itself does not refer to CUDA
// symbols.
int64_t cuda_count() {
  if (!at::detail::getCUDAHooks().hasCUDA()) return 0;
  return c10::impl::getDeviceGuardImpl(c10::DeviceType::CUDA)->deviceCount();
}

}  // namespace

KernelSet widest_kernels() {
#if defined(__x86_64__) || defined(_M_X64)
  const CpuFeatures cpu = cpu_features();
  if (cpu.avx512 && cpu.fma) return KernelSet::kAvx512;
  if (cpu.avx2 && cpu.fma) return KernelSet::kAvx2;
#endif
  return KernelSet::kPortable;
}

at::ScalarType scalar_type(ComputeType type) {
  switch (type) {
    case ComputeType::kFloat32:
      return at::kFloat;
    case ComputeType::kBFloat16:
      return at::kBFloat16;
  }
  throw unknown_value("type of computation");
}

const kernels::Set* kernel_set(KernelSet set) {
  if (set > widest_kernels())
    throw Error("ERR_INVALID_ARGUMENT", "This CPU cannot run the kernels that SENTORCH_KERNELS asks for.");
  switch (set) {
    case KernelSet::kPortable:
      return nullptr;
#if defined(__x86_64__) || defined(_M_X64)
    case KernelSet::kAvx2:
      return &kernels::avx2();
    case KernelSet::kAvx512:
      return &kernels::avx512();
#else
    case KernelSet::kAvx2:
    case KernelSet::kAvx512:
      break;
#endif
  }
  throw unknown_value("set of kernels");
}

at::Device device_of(const std::string& name) {
  const at::Device device(name);
  if (device.is_cpu()) return device;
  const int64_t count = device.is_cuda() ? cuda_count() : 0;
  if (device.index() < 0 || device.index() >= count) {
    throw Error("ERR_DEVICE_UNAVAILABLE",
                "Device " + name + " does not exist: libtorch sees " + std::to_string(count) + " CUDA devices.");
  }
  return device;
}

std::vector<std::string> cuda_devices() {
  std::vector<std::string> names;
  const int64_t count = cuda_count();
  for (int64_t i = 0; i < count; i++) names.push_back("cuda:" + std::to_string(i));
  return names;
}

}  // namespace sentorch
