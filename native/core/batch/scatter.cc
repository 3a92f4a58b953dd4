#include "core/batch/scatter.h"

#include <cstring>

#include "core/guard.h"

namespace sentorch {

void Scatter::put(const MicroBatch& batch, const at::Tensor& computed) {
  if (values.empty()) {
    dimension = computed.size(1);
    values.resize((tokens_ ? static_cast<int64_t>(rows_.ids.size()) : rows_.count()) * dimension);
  }
  const at::Tensor contiguous = computed.contiguous();
  const float* source = static_cast<const float*>(contiguous.data_ptr());
  for (int64_t i = 0; i < batch.size(); i++) {
    const int32_t row = batch.rows[i];
    const int64_t from = tokens_ ? batch.offsets[i] : i, to = tokens_ ? rows_.offsets[row] : row;
    const int64_t count = (tokens_ ? batch.length(i) : 1) * dimension;
    if (non_finite_row < 0 && !all_finite(source + from * dimension, count)) non_finite_row = row;
    std::memcpy(values.data() + to * dimension, source + from * dimension, count * sizeof(float));
  }
}

}  // namespace sentorch
