#include "core/layers/operations.h"

namespace sentorch {
namespace {

at::Tensor index_tensor(const std::vector<int32_t>& values, int64_t rows, const at::Device& device) {
  at::Tensor out = at::zeros({rows}, at::kLong);
  std::copy(values.begin(), values.end(), static_cast<int64_t*>(out.data_ptr()));
  return out.to(device);
}

// The statistics are computed in float32 for every type of the states.
at::Tensor layer_norm(const at::Tensor& x, const Norm& norm) {
  return at::layer_norm(x.to(at::kFloat), {x.size(-1)}, norm.weight, norm.bias, norm.eps);
}

// [1, heads, length, length], from the table by distance.
at::Tensor bias_matrix(const RelativeBias& bias, int64_t length) {
  // Reading from column span − 1 − q gives the distances −q … length − 1 − q of query q.
  const at::Tensor windows = bias.values.narrow(1, bias.span - length, 2 * length - 1).unfold(1, length, 1);
  return windows.flip({1}).unsqueeze(0);
}

class PortableOperations final : public Operations {
 public:
  at::Tensor embed(const EmbeddingTables& tables, const MicroBatch& batch) const override {
    const int64_t rows = rounded_rows(batch.tokens());
    const at::Tensor ids = index_tensor(batch.ids, rows, tables.word.device());
    const at::Tensor positions = index_tensor(batch.positions, rows, tables.word.device());
    at::Tensor sum = tables.word.index_select(0, ids).to(at::kFloat);
    if (tables.type.defined()) sum = sum + tables.type;
    sum = sum + tables.position.index_select(0, positions);
    return layer_norm(sum, tables.norm).to(tables.word.scalar_type());
  }

  at::Tensor add_norm(const at::Tensor& x, const at::Tensor& residual, const Norm& norm,
                      const MicroBatch&) const override {
    return layer_norm(x.to(at::kFloat) + residual, norm).to(x.scalar_type());
  }

  // The planner has sorted the rows by length, so rows of equal length are next to each other and take one call.
  at::Tensor attention(const at::Tensor& qkv, int64_t heads, const RelativeBias& bias,
                       const MicroBatch& batch) const override {
    const int64_t hidden = qkv.size(1) / 3, size = hidden / heads;
    at::Tensor out = at::zeros({qkv.size(0), hidden}, qkv.options());
    for (int64_t first = 0; first < batch.size();) {
      const int64_t length = batch.length(first);
      int64_t last = first + 1;
      while (last < batch.size() && batch.length(last) == length) last++;
      const int64_t rows = last - first, begin = batch.offsets[first];
      const at::Tensor parts =
          qkv.narrow(0, begin, rows * length).view({rows, length, 3, heads, size}).permute({2, 0, 3, 1, 4});
      std::optional<at::Tensor> mask;
      if (bias.span) mask = bias_matrix(bias, length).to(qkv.scalar_type());
      const at::Tensor mixed = at::scaled_dot_product_attention(parts[0], parts[1], parts[2], mask);
      out.narrow(0, begin, rows * length).copy_(mixed.transpose(1, 2).reshape({rows * length, hidden}));
      first = last;
    }
    return out;
  }
};

}  // namespace

std::unique_ptr<Operations> portable_operations() { return std::make_unique<PortableOperations>(); }

}  // namespace sentorch
