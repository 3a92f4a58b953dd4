// Results of micro-batches on their way to the places that the request has for them.
#pragma once
#include <vector>

#include "core/batch/batch.h"
#include "core/tensor.h"

namespace sentorch {

class Scatter {
 public:
  // A result per row, or per token.
  Scatter(const Rows& rows, bool tokens) : rows_(rows), tokens_(tokens) {}

  // values: [rows or tokens of the micro-batch, dimension], float32, on the CPU.
  void put(const MicroBatch& batch, const at::Tensor& values);

  std::vector<float> values;
  int64_t dimension = 0;
  int64_t non_finite_row = -1;  // the first row seen with a NaN or an infinity

 private:
  const Rows& rows_;
  bool tokens_;
};

}  // namespace sentorch
