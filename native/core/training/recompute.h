// Gradient checkpointing (Chen et al. 2016): only the input of a part is kept; the part is computed again when its
// gradients are wanted.
#pragma once
#include <functional>

#include "core/tensor.h"

namespace sentorch {

// `part` is called now, without gradients, and again in the backward pass; it must give the same both times.
at::Tensor recomputed(const std::function<at::Tensor(const at::Tensor&)>& part, const at::Tensor& x);

}  // namespace sentorch
