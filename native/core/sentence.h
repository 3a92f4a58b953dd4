// From hidden states to the vectors that leave the core: pooling, the modules behind it, truncation, scaling.
#pragma once
#include <vector>

#include "core/batch.h"
#include "core/parameters.h"

namespace sentorch {

// states: [at least tokens, hidden], float32, on the CPU. Returns [rows, dimension] in the order of the micro-batch.
at::Tensor sentence_vectors(const at::Tensor& states, const MicroBatch& batch, const VectorRequest& request,
                            const std::vector<DenseModule>& dense);

}  // namespace sentorch
