// Copies the results of micro-batches to their places in the result of the request.
#pragma once
#include <vector>

#include "core/batch/batch.h"
#include "core/tensor.h"

namespace sentorch {

class Scatter {
 public:
  // One result per row, or one per token.
  Scatter(const Rows& rows, bool tokens) : rows_(rows), tokens_(tokens) {}

  // values: [rows or tokens of the micro-batch, dimension], float32, on the CPU.
  void put(const MicroBatch& batch, const at::Tensor& values);

  std::vector<float> values;
  int64_t dimension = 0;
  int64_t non_finite_row = -1;  // the first row found with a NaN or an infinity

 private:
  const Rows& rows_;
  bool tokens_;
};

}  // namespace sentorch
