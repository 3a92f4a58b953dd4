// Dropout whose mask depends only on seed, step, row of the step, token, site and element, and not on earlier random
// numbers. So it is the same in every run, after a resume, when a layer is computed again, and however the rows of a
// step are distributed over micro-batches and processes.
#pragma once
#include <vector>

#include "core/batch/batch.h"
#include "core/tensor.h"

namespace sentorch {

// The dropout of one micro-batch. All functions set each number to zero with probability p and divide the others by 1 −
// p; `site` is the place in the network.
class Dropout {
 public:
  // first_row: the number of rows of the step before this micro-batch.
  Dropout(int64_t seed, int64_t step, int64_t first_row, const MicroBatch& batch);
  // Changes nothing.
  static Dropout off();

  // x: [tokens, …].
  at::Tensor tokens(const at::Tensor& x, double p, uint64_t site) const;
  // x: [places, …]; places: the indices of these tokens.
  at::Tensor tokens_at(const std::vector<int64_t>& places, const at::Tensor& x, double p, uint64_t site) const;
  // x: [places, …]; places: the indices of these rows.
  at::Tensor rows_at(const std::vector<int64_t>& places, const at::Tensor& x, double p, uint64_t site) const;
  // weights: [rows, heads, longest, longest], of queries to keys.
  at::Tensor attention(const at::Tensor& weights, double p, uint64_t site) const;

 private:
  Dropout() = default;
  bool on_ = false;
  std::vector<int32_t> offsets_;  // of the rows
  std::vector<uint64_t> keys_;    // per token
};

}  // namespace sentorch
