// The token states of rows under a frozen encoder: computed once and used in every later epoch.
#pragma once
#include <functional>
#include <vector>

#include "core/batch/batch.h"
#include "core/tensor.h"

namespace sentorch {

// The last bits of a product depend on its number of rows. Therefore a row is always computed together with the same
// other rows, whichever batch needs it: rows that fit into `bytes` in groups of similar length, the others alone and
// each time.
class StateCache {
 public:
  using Compute = std::function<at::Tensor(const std::vector<int32_t>& rows)>;  // [tokens, hidden], float32, on the CPU

  StateCache(const Rows& corpus, int64_t hidden, int64_t bytes);

  // States of the micro-batch, [tokens, hidden].
  at::Tensor states(const MicroBatch& batch, const Compute& compute);

 private:
  static constexpr int64_t kAlone = -1;
  struct Group {
    std::vector<int32_t> rows;
    at::Tensor states;  // undefined until they are needed
  };

  std::vector<Group> groups_;
  std::vector<int64_t> group_;   // per row of the corpus: its group, or kAlone
  std::vector<int64_t> offset_;  // per row: its first token in the group
  int64_t hidden_;
};

}  // namespace sentorch
