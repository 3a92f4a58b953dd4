// Poolings reduce the token states of a row to one vector, as the Pooling module of sentence-transformers does. All of
// them compute in float32. Each has two implementations, next to each other in one table: for inference, and for
// training, in operations that autograd supports.
#pragma once
#include <cstdint>

#include "core/batch/batch.h"
#include "core/tensor.h"

namespace sentorch {

struct PoolingMode {
  // tokens: [length, hidden], one row's states; length ≥ 1. The first `prompt` tokens are skipped; out: [hidden].
  // If the prompt covers the whole row, the result is the same as in Python: the first token for cls, −∞ for max, zeros
  // for the others.
  void (*pool)(const float* tokens, int64_t length, int64_t hidden, int64_t prompt, float* out);
  // states: [tokens, hidden], on the CPU. Returns [rows, hidden].
  at::Tensor (*train)(const at::Tensor& states, const MicroBatch& batch);
};

const PoolingMode& pooling_mode(Pooling mode);

// Scales to unit length; a vector with a length below 1e-12 is divided by 1e-12.
void normalize(float* vector, int64_t size);

}  // namespace sentorch
