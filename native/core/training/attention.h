// Self-attention within each row, with gradients.
#pragma once
#include "core/batch/batch.h"
#include "core/training/dropout.h"

namespace sentorch {

// The layout of the rows of a micro-batch for matrix products: [rows, longest], where shorter rows are filled up with
// their first token, which is masked. Created once per micro-batch.
struct AttentionLayout {
  AttentionLayout(const MicroBatch& batch, const at::Tensor& relative_bias);

  int64_t rows, longest;
  at::Tensor gather;  // [rows · longest]: token; undefined if all rows are equally long
  at::Tensor back;    // [tokens]: place among rows · longest; undefined likewise
  at::Tensor mask;    // [rows, 1, 1, longest], 0 or −∞; undefined likewise
  // The bias of MPNet: [buckets, heads], and the bucket of each pair of positions, [longest, longest]; otherwise
  // undefined.
  at::Tensor bias_table;
  at::Tensor bias_index;
};

// qkv: [tokens, 3·hidden]. Returns [tokens, hidden].
at::Tensor attention(const at::Tensor& qkv, int64_t heads, const AttentionLayout& layout, const Dropout& dropout,
                     double p, uint64_t site);

}  // namespace sentorch
