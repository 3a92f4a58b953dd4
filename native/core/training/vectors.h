// Sentence vectors with gradients: what sentence_vectors computes, in operations that autograd knows.
#pragma once
#include <vector>

#include "core/batch.h"
#include "core/training/masters.h"

namespace sentorch {

// states: [tokens, hidden], float32, on the CPU. Returns [rows, dimension].
at::Tensor training_vectors(const at::Tensor& states, const MicroBatch& batch, const VectorRequest& request,
                            const std::vector<PlainLinear>& dense, const std::vector<Activation>& activations);

}  // namespace sentorch
