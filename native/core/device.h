// Which kernels, types and devices there are here.
#pragma once
#include "core/kernels/kernels.h"
#include "core/tensor.h"

namespace sentorch {

// The widest that this CPU can run.
KernelSet widest_kernels();

at::ScalarType scalar_type(ComputeType type);

// Null for kPortable. Refuses a set that the CPU lacks.
const kernels::Set* kernel_set(KernelSet set);

// 'cpu' or 'cuda:N'; ERR_DEVICE_UNAVAILABLE where it is not there.
at::Device device_of(const std::string& name);

std::vector<std::string> cuda_devices();

}  // namespace sentorch
