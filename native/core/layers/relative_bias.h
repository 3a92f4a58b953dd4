// MPNet's relative-position bias: which bucket of the table a distance belongs to.
#pragma once
#include "core/tensor.h"

namespace sentorch {

// [2·span − 1], int64: the bucket of key − query, from 1 − span to span − 1. T5's buckets in both directions: near
// distances have one each, far ones share them by logarithm up to 128.
at::Tensor distance_buckets(int64_t span, int64_t buckets);

}  // namespace sentorch
