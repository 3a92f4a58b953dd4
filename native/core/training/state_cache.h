// The token states of rows that a frozen encoder has seen: computed once, used in every later epoch.
#pragma once
#include <functional>
#include <vector>

#include "core/batch.h"
#include "core/tensor.h"

namespace sentorch {

class StateCache {
 public:
  using Compute = std::function<at::Tensor(const MicroBatch& batch)>;  // [tokens, hidden], float32, on the CPU

  // Keeps rows until `bytes` are full; later ones are computed each time.
  StateCache(int64_t rows, int64_t hidden, int64_t bytes)
      : place_(rows, kAbsent), offset_(rows, 0), hidden_(hidden), bytes_(bytes) {}

  // States of the micro-batch, [tokens, hidden].
  at::Tensor states(const MicroBatch& batch, const Compute& compute);

 private:
  static constexpr int64_t kAbsent = -1;

  std::vector<int64_t> place_;   // per row of the corpus: its block, or kAbsent
  std::vector<int64_t> offset_;  // per row: first token in the block
  std::vector<at::Tensor> blocks_;
  int64_t hidden_;
  int64_t bytes_;
  int64_t kept_ = 0;
};

}  // namespace sentorch
