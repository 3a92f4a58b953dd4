// The relative-position bias of MPNet: the bucket of the table to which a distance belongs.
#pragma once
#include "core/tensor.h"

namespace sentorch {

// [2·span − 1], int64: the bucket of key − query, from 1 − span to span − 1. As in T5, in both directions: near
// distances have a bucket each; far ones, up to 128, share buckets logarithmically.
at::Tensor distance_buckets(int64_t span, int64_t buckets);

}  // namespace sentorch
