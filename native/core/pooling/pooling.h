// Poolings: token states of a row to one vector, as sentence-transformers' Pooling does it. Float32 throughout. Each
// has two forms, which stand side by side in one table: for inference, and for training in operations that autograd
// knows.
#pragma once
#include <cstdint>

#include "core/batch/batch.h"
#include "core/tensor.h"

namespace sentorch {

struct PoolingMode {
  // tokens: [length, hidden], one row's states; length ≥ 1. The first `prompt` tokens are not seen; out: [hidden].
  // Where the prompt covers the whole row nothing is left to pool, and the result is what Python's is: cls the first
  // token after all, max −∞, the others zeros.
  void (*pool)(const float* tokens, int64_t length, int64_t hidden, int64_t prompt, float* out);
  // states: [tokens, hidden], on the CPU. Returns [rows, hidden].
  at::Tensor (*train)(const at::Tensor& states, const MicroBatch& batch);
};

const PoolingMode& pooling_mode(Pooling mode);

// Scales to unit length; a vector shorter than 1e-12 is divided by that.
void normalize(float* vector, int64_t size);

}  // namespace sentorch
