#include "core/training/attention.h"

#include <ATen/ops/embedding.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>

#include <cmath>
#include <limits>

#include "core/layers/relative_bias.h"

namespace sentorch {
namespace {

// [length, length]: the bucket of key − query.
at::Tensor bucket_matrix(int64_t buckets, int64_t length) {
  // Reading from length − 1 − q gives the distances −q … length − 1 − q of query q.
  return distance_buckets(length, buckets).unfold(0, length, 1).flip({0}).contiguous();
}

}  // namespace

AttentionLayout::AttentionLayout(const MicroBatch& batch, const at::Tensor& relative_bias)
    : rows(batch.size()), longest(batch.longest()), bias_table(relative_bias) {
  if (bias_table.defined()) bias_index = bucket_matrix(bias_table.size(0), longest).to(bias_table.device());
  if (batch.tokens() == rows * longest) return;
  gather = at::empty({rows * longest}, at::kLong);
  back = at::empty({batch.tokens()}, at::kLong);
  mask = at::zeros({rows, 1, 1, longest}, at::kFloat);
  int64_t* from = static_cast<int64_t*>(gather.data_ptr());
  int64_t* to = static_cast<int64_t*>(back.data_ptr());
  float* masked = static_cast<float*>(mask.data_ptr());
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t t = 0; t < longest; t++) {
      const bool real = t < batch.length(i);
      from[i * longest + t] = batch.offsets[i] + (real ? t : 0);
      if (real) to[batch.offsets[i] + t] = i * longest + t;
      if (!real) masked[i * longest + t] = -std::numeric_limits<float>::infinity();
    }
  }
}

at::Tensor attention(const at::Tensor& qkv, int64_t heads, const AttentionLayout& layout, const Dropout& dropout,
                     double p, uint64_t site) {
  const int64_t hidden = qkv.size(1) / 3, size = hidden / heads;
  const at::Tensor side_by_side = layout.gather.defined() ? qkv.index_select(0, layout.gather.to(qkv.device())) : qkv;
  const at::Tensor parts = side_by_side.view({layout.rows, layout.longest, 3, heads, size}).permute({2, 0, 3, 1, 4});
  at::Tensor scores = at::matmul(parts[0] / std::sqrt(double(size)), parts[1].transpose(-2, -1));
  // In each layer and not once for all, because a recomputed layer has its own graph.
  if (layout.bias_table.defined())
    scores = scores + at::embedding(layout.bias_table, layout.bias_index).permute({2, 0, 1}).unsqueeze(0);
  if (layout.mask.defined()) scores = scores + layout.mask.to(scores.device());
  const at::Tensor weights = dropout.attention(at::softmax(scores, -1), p, site);
  const at::Tensor mixed =
      at::matmul(weights, parts[2]).transpose(1, 2).reshape({layout.rows * layout.longest, hidden});
  return layout.back.defined() ? mixed.index_select(0, layout.back.to(mixed.device())) : mixed;
}

}  // namespace sentorch
