#include "core/training/state_cache.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace sentorch {
namespace {

// Small, because the first batches need about one group per row, but large enough for efficient products.
constexpr int64_t kGroupTokens = 128;

}  // namespace

StateCache::StateCache(const Rows& corpus, int64_t hidden, int64_t bytes)
    : group_(corpus.count(), kAlone), offset_(corpus.count(), 0), hidden_(hidden) {
  const auto length = [&](int32_t row) { return int64_t{corpus.offsets[row + 1]} - corpus.offsets[row]; };
  std::vector<int32_t> order(corpus.count());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return length(a) < length(b); });
  int64_t left = bytes / (hidden * static_cast<int64_t>(sizeof(float)));
  int64_t tokens = kGroupTokens;  // of the group that is being filled
  for (int32_t row : order) {
    if ((left -= length(row)) < 0) break;
    if (tokens + length(row) > kGroupTokens) {
      groups_.emplace_back();
      tokens = 0;
    }
    group_[row] = static_cast<int64_t>(groups_.size()) - 1;
    offset_[row] = tokens;
    groups_.back().rows.push_back(row);
    tokens += length(row);
  }
}

at::Tensor StateCache::states(const MicroBatch& batch, const Compute& compute) {
  at::Tensor out = at::empty({batch.tokens(), hidden_}, at::kFloat);
  float* to = static_cast<float*>(out.data_ptr());
  for (int64_t i = 0; i < batch.size(); i++) {
    const int32_t row = batch.rows[i];
    at::Tensor alone;
    const float* from;
    if (group_[row] == kAlone) {
      alone = compute({row});
      from = static_cast<const float*>(alone.data_ptr());
    } else {
      Group& group = groups_[group_[row]];
      if (!group.states.defined()) group.states = compute(group.rows);
      from = static_cast<const float*>(group.states.data_ptr()) + offset_[row] * hidden_;
    }
    std::memcpy(to + batch.offsets[i] * hidden_, from, batch.length(i) * hidden_ * sizeof(float));
  }
  return out;
}

}  // namespace sentorch
