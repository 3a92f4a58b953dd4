#include "core/training/objectives/losses.h"

#include <ATen/ops/argmax.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/tensor.h>

namespace sentorch {
namespace {

std::optional<at::Tensor> tensor_of(const std::optional<std::vector<float>>& weights) {
  if (!weights) return std::nullopt;
  return at::tensor(*weights, at::kFloat);
}

}  // namespace

LogitLoss cross_entropy(const at::Tensor& logits, const std::vector<int32_t>& labels,
                        const std::optional<std::vector<float>>& weights, double label_smoothing) {
  const at::Tensor target = at::tensor(labels, at::kLong);
  const at::Tensor sum =
      at::cross_entropy_loss(logits, target, tensor_of(weights), at::Reduction::Sum, kNoLabel, label_smoothing);
  return {sum, (logits.detach().argmax(1) == target).sum().item<double>()};
}

LogitLoss binary_cross_entropy(const at::Tensor& logits, const std::vector<int32_t>& labels,
                               const std::optional<std::vector<float>>& weights) {
  at::Tensor target = at::zeros(logits.sizes(), at::kFloat), known = at::zeros(logits.sizes(), at::kFloat);
  float* to = static_cast<float*>(target.data_ptr());
  float* seen = static_cast<float*>(known.data_ptr());
  for (size_t i = 0; i < labels.size(); i++) {
    if (labels[i] == kNoLabel) continue;
    to[i] = static_cast<float>(labels[i]);
    seen[i] = 1;
  }
  const at::Tensor sum =
      at::binary_cross_entropy_with_logits(logits, target, known, tensor_of(weights), at::Reduction::Sum);
  const at::Tensor right = ((logits.detach() > 0) == (target > 0)).to(at::kFloat) * known;
  return {sum, right.sum().item<double>()};
}

}  // namespace sentorch
