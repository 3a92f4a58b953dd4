#include "core/layers/linear.h"

#include <ATen/core/List.h>

#include "core/guard.h"

namespace sentorch {
namespace {

using PackSignature = at::Tensor(const at::Tensor&, std::optional<c10::SymInt>);
using PointwiseSignature = at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                                      c10::string_view, c10::List<std::optional<at::Scalar>>,
                                      std::optional<c10::string_view>);

template <typename Signature>
c10::TypedOperatorHandle<Signature> operation(const char* name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Signature>();
}

// The number of rows for which the packed layout is chosen: that of a full micro-batch.
constexpr int64_t kPackedRows = 2048;

struct Fused {
  const char* name;
  const char* algorithm;
};

// The post-operation of oneDNN. Its `gelu` with "none" is the exact one.
Fused fused(Activation activation) {
  switch (activation) {
    case Activation::kGelu:
      return {"gelu", "none"};
    case Activation::kGeluTanh:
      return {"gelu", "tanh"};
    case Activation::kRelu:
      return {"relu", ""};
    case Activation::kSilu:
      return {"swish", ""};
    case Activation::kTanh:
      return {"tanh", ""};
    case Activation::kSigmoid:
      return {"sigmoid", ""};
    case Activation::kIdentity:
      return {"none", ""};
  }
  throw unknown_value("activation");
}

}  // namespace

at::Tensor activate(const at::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::kGelu:
      return at::gelu(x, "none");
    case Activation::kGeluTanh:
      return at::gelu(x, "tanh");
    case Activation::kRelu:
      return at::relu(x);
    case Activation::kSilu:
      return at::silu(x);
    case Activation::kTanh:
      return at::tanh(x);
    case Activation::kSigmoid:
      return at::sigmoid(x);
    case Activation::kIdentity:
      return x;
  }
  throw unknown_value("activation");
}

bool can_pack(at::ScalarType type) {
  if (!at::hasMKLDNN() || !at::globalContext().userEnabledMkldnn()) return false;
  return type == at::kFloat || operation<bool()>("mkldnn::_is_mkldnn_bf16_supported").call();
}

Linear::Linear(at::Tensor weight, at::Tensor bias, Activation activation, bool pack)
    : weight_(std::move(weight)), activation_(activation), packed_(pack) {
  if (bias.defined()) bias_ = std::move(bias);
  if (packed_) weight_ = operation<PackSignature>("mkldnn::_reorder_linear_weight").call(weight_, kPackedRows);
}

at::Tensor Linear::operator()(const at::Tensor& x) const {
  if (!packed_) return activate(at::linear(x, weight_, bias_), activation_);
  static const auto& pointwise = *new auto(operation<PointwiseSignature>("mkldnn::_linear_pointwise"));
  const Fused post = fused(activation_);
  return pointwise.call(x, weight_, bias_, post.name, c10::List<std::optional<at::Scalar>>(),
                        c10::string_view(post.algorithm));
}

}  // namespace sentorch
