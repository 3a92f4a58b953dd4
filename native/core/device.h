// The kernels, types and devices that are available.
#pragma once
#include "core/kernels/kernels.h"
#include "core/tensor.h"

namespace sentorch {

// The widest set that this CPU can run.
KernelSet widest_kernels();

at::ScalarType scalar_type(ComputeType type);

// Null for kPortable. Refuses a set that the CPU does not support.
const kernels::Set* kernel_set(KernelSet set);

// 'cpu' or 'cuda:N'; ERR_DEVICE_UNAVAILABLE if the device does not exist.
at::Device device_of(const std::string& name);

std::vector<std::string> cuda_devices();

}  // namespace sentorch
