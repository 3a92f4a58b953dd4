// Gradient checkpointing (Chen et al. 2016): only the input of a part of the network is kept, and the part is computed
// again for its gradients.
#pragma once
#include <functional>

#include "core/tensor.h"

namespace sentorch {

// `part` is called once without gradients, and again in the backward pass; both calls must give the same result.
at::Tensor recomputed(const std::function<at::Tensor(const at::Tensor&)>& part, const at::Tensor& x);

}  // namespace sentorch
