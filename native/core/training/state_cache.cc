#include "core/training/state_cache.h"

#include <cstring>

namespace sentorch {

at::Tensor StateCache::states(const MicroBatch& batch, const Compute& compute) {
  bool all = true;
  for (int32_t row : batch.rows) all = all && place_[row] != kAbsent;
  if (!all) {
    const at::Tensor computed = compute(batch);
    const int64_t bytes = static_cast<int64_t>(computed.nbytes());
    if (kept_ + bytes <= bytes_) {
      kept_ += bytes;
      blocks_.push_back(computed);
      for (int64_t i = 0; i < batch.size(); i++) {
        place_[batch.rows[i]] = static_cast<int64_t>(blocks_.size()) - 1;
        offset_[batch.rows[i]] = batch.offsets[i];
      }
    }
    return computed;
  }
  at::Tensor out = at::empty({batch.tokens(), hidden_}, at::kFloat);
  float* to = static_cast<float*>(out.data_ptr());
  for (int64_t i = 0; i < batch.size(); i++) {
    const int32_t row = batch.rows[i];
    const float* from = static_cast<const float*>(blocks_[place_[row]].data_ptr()) + offset_[row] * hidden_;
    std::memcpy(to + batch.offsets[i] * hidden_, from, batch.length(i) * hidden_ * sizeof(float));
  }
  return out;
}

}  // namespace sentorch
