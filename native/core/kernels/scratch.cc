#include "core/kernels/kernels.h"

namespace sentorch::kernels {

// Keys, values, scores, queries and results of one head, each rounded up to the widest vector.
int64_t attention_scratch(int64_t longest, int64_t head_size) {
  constexpr int64_t kWidest = 16, kQueries = 4;
  const auto up = [](int64_t n) { return (n + kWidest - 1) / kWidest * kWidest; };
  const int64_t length = up(longest), size = up(head_size);
  return size * length + length * size + kQueries * (length + size + size);
}

}  // namespace sentorch::kernels
