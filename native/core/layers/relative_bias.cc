#include "core/layers/relative_bias.h"

#include <ATen/ops/abs.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/log.h>
#include <ATen/ops/where.h>

#include <cmath>

namespace sentorch {

// Computed with tensors because a bucket's edge depends on how float32 rounds the logarithm.
at::Tensor distance_buckets(int64_t span, int64_t buckets) {
  constexpr double kFarthest = 128;
  const int64_t half = buckets / 2, exact = half / 2;
  const at::Tensor distance = at::arange(1 - span, span, at::kLong);
  const at::Tensor far = distance.abs();
  const at::Tensor scaled = at::log(far.to(at::kFloat) / exact) / std::log(kFarthest / exact) * (half - exact);
  const at::Tensor shared = (exact + scaled.clamp_min(0).to(at::kLong)).clamp_max(half - 1);
  return (distance > 0).to(at::kLong) * half + at::where(far < exact, far, shared);
}

}  // namespace sentorch
