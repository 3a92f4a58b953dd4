// The token states of rows that a frozen encoder has seen: computed once, used in every later epoch.
#pragma once
#include <functional>
#include <vector>

#include "core/batch/batch.h"
#include "core/tensor.h"

namespace sentorch {

// The last bits of a product depend on how many rows it has. So rows are always computed in the same company, whatever
// batch asks for them: those that fit into `bytes` in groups of similar length, the others alone and every time.
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
    at::Tensor states;  // undefined until they are asked for
  };

  std::vector<Group> groups_;
  std::vector<int64_t> group_;   // per row of the corpus: its group, or kAlone
  std::vector<int64_t> offset_;  // per row: its first token in the group
  int64_t hidden_;
};

}  // namespace sentorch
