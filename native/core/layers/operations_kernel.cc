#include "core/guard.h"
#include "core/layers/operations.h"

namespace sentorch {
namespace {

// For fewer tokens, one thread is faster than waking the others.
constexpr int64_t kRowGrain = 64;
// Number of scores (tokens × tokens of one head) from which a separate thread is worthwhile.
constexpr int64_t kScoreGrain = 2048;

template <typename T>
T* data(const at::Tensor& tensor) {
  return static_cast<T*>(tensor.data_ptr());
}

template <typename T>
kernels::NormArgs<T> norm_args(const Norm& norm) {
  return {data<float>(norm.weight), data<float>(norm.bias), static_cast<float>(norm.eps), norm.weight.size(0)};
}

// Products read the rounded number of rows, so the rows after the tokens must be initialised.
at::Tensor states(const MicroBatch& batch, int64_t hidden, at::ScalarType type) {
  at::Tensor out = at::empty({rounded_rows(batch.tokens()), hidden}, type);
  out.narrow(0, batch.tokens(), out.size(0) - batch.tokens()).zero_();
  return out;
}

class KernelOperations final : public Operations {
 public:
  explicit KernelOperations(const kernels::Set& set) : set_(set) {}

  at::Tensor embed(const EmbeddingTables& tables, const MicroBatch& batch) const override {
    return by_type(tables.word, [&](const auto& table, auto zero) {
      using T = decltype(zero);
      at::Tensor out = states(batch, tables.word.size(1), tables.word.scalar_type());
      const kernels::EmbedArgs<T> args{
          data<T>(tables.word), data<T>(tables.position), tables.type.defined() ? data<T>(tables.type) : nullptr,
          batch.ids.data(),     batch.positions.data(),   norm_args<T>(tables.norm),
          data<T>(out)};
      at::parallel_for(0, batch.tokens(), kRowGrain,
                       [&](int64_t begin, int64_t end) { table.embed(args, begin, end); });
      return out;
    });
  }

  at::Tensor add_norm(const at::Tensor& x, const at::Tensor& residual, const Norm& norm,
                      const MicroBatch& batch) const override {
    return by_type(x, [&](const auto& table, auto zero) {
      using T = decltype(zero);
      at::Tensor out = states(batch, x.size(1), x.scalar_type());
      const kernels::AddNormArgs<T> args{data<T>(x), data<T>(residual), norm_args<T>(norm), data<T>(out)};
      at::parallel_for(0, batch.tokens(), kRowGrain,
                       [&](int64_t begin, int64_t end) { table.add_norm(args, begin, end); });
      return out;
    });
  }

  at::Tensor attention(const at::Tensor& qkv, int64_t heads, const RelativeBias& bias,
                       const MicroBatch& batch) const override {
    return by_type(qkv, [&](const auto& table, auto zero) {
      using T = decltype(zero);
      const int64_t hidden = qkv.size(1) / 3, longest = batch.longest();
      at::Tensor out = states(batch, hidden, qkv.scalar_type());
      const kernels::AttentionArgs<T> args{
          data<T>(qkv), hidden,      heads, batch.offsets.data(), bias.span ? data<float>(bias.values) : nullptr,
          bias.span,    data<T>(out)};
      const int64_t grain = std::max<int64_t>(1, kScoreGrain / (longest * longest));
      const int64_t scratch_size = kernels::attention_scratch(longest, hidden / heads);
      at::parallel_for(0, batch.size() * heads, grain, [&](int64_t begin, int64_t end) {
        const at::Tensor scratch = at::empty({scratch_size}, at::kFloat);
        table.attention(args, begin, end, data<float>(scratch));
      });
      return out;
    });
  }

 private:
  template <typename Work>
  at::Tensor by_type(const at::Tensor& tensor, Work&& work) const {
    if (tensor.scalar_type() == at::kFloat) return work(set_.float32, float{});
    if (tensor.scalar_type() == at::kBFloat16) return work(set_.bfloat16, kernels::bf16{});
    throw unknown_value("type of computation");
  }

  const kernels::Set& set_;
};

}  // namespace

std::unique_ptr<Operations> kernel_operations(const kernels::Set& set) {
  return std::make_unique<KernelOperations>(set);
}

}  // namespace sentorch
