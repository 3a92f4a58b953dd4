// A safetensors file, written part by part.
#pragma once
#include <functional>

#include "core/tensor.h"

namespace sentorch {

using PartLookup = std::function<at::Tensor(const ParameterPart& part)>;

// Nothing is left behind where it fails. Flushed to the disk when it returns.
void write_file(const WriteRequest& request, const PartLookup& lookup, const StopFlag& stop);

}  // namespace sentorch
