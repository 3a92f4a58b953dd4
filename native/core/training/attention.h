// Self-attention inside each row, with gradients.
#pragma once
#include "core/batch/batch.h"
#include "core/training/dropout.h"

namespace sentorch {

// How the rows of a micro-batch are laid side by side for products of matrices: [rows, longest], the shorter ones
// filled up with their first token, which is masked. Made once per micro-batch.
struct AttentionLayout {
  AttentionLayout(const MicroBatch& batch, const at::Tensor& relative_bias);

  int64_t rows, longest;
  at::Tensor gather;  // [rows · longest]: token; undefined where all rows are equally long
  at::Tensor back;    // [tokens]: place among rows · longest; undefined likewise
  at::Tensor mask;    // [rows, 1, 1, longest], 0 or −∞; undefined likewise
  // MPNet's bias: [buckets, heads], and which bucket each pair of places has, [longest, longest]; undefined else.
  at::Tensor bias_table;
  at::Tensor bias_index;
};

// qkv: [tokens, 3·hidden]. Returns [tokens, hidden].
at::Tensor attention(const at::Tensor& qkv, int64_t heads, const AttentionLayout& layout, const Dropout& dropout,
                     double p, uint64_t site);

}  // namespace sentorch
