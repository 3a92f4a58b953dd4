// The three parts of a layer other than plain products. One implementation runs on any device, the other uses our CPU
// kernels.
#pragma once
#include <memory>

#include "core/batch/batch.h"
#include "core/kernels/kernels.h"
#include "core/tensor.h"

namespace sentorch {

struct Norm {
  at::Tensor weight;  // [hidden], float32
  at::Tensor bias;    // [hidden], float32
  double eps;
};

struct EmbeddingTables {
  at::Tensor word;      // [vocabulary, hidden]
  at::Tensor position;  // [positions, hidden]
  at::Tensor type;      // [hidden] or undefined
  Norm norm;
};

// A bias per head and distance, added to the attention scores (MPNet). values: [heads, 2·span − 1], float32, by key −
// query + span − 1.
struct RelativeBias {
  at::Tensor values;
  int64_t span = 0;
};

// Token states are [rounded_rows(tokens), hidden]; the rows after the tokens contain meaningless numbers.
class Operations {
 public:
  virtual ~Operations() = default;
  virtual at::Tensor embed(const EmbeddingTables& tables, const MicroBatch& batch) const = 0;
  // qkv: [rows, 3·hidden]. Returns the concatenated outputs of the heads, [rows, hidden].
  virtual at::Tensor attention(const at::Tensor& qkv, int64_t heads, const RelativeBias& bias,
                               const MicroBatch& batch) const = 0;
  // LayerNorm(x + residual).
  virtual at::Tensor add_norm(const at::Tensor& x, const at::Tensor& residual, const Norm& norm,
                              const MicroBatch& batch) const = 0;
};

std::unique_ptr<Operations> portable_operations();
std::unique_ptr<Operations> kernel_operations(const kernels::Set& set);

}  // namespace sentorch
