// Writes a safetensors file part by part.
#pragma once
#include <functional>

#include "core/tensor.h"

namespace sentorch {

using PartLookup = std::function<at::Tensor(const ParameterPart& part)>;

// If it fails, the file is removed. When it returns, the file has been flushed to the disk.
void write_file(const WriteRequest& request, const PartLookup& lookup, const StopFlag& stop);

}  // namespace sentorch
