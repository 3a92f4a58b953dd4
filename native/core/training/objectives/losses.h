// Losses of logits, each the sum over labelled items.
#pragma once
#include <vector>

#include "core/tensor.h"

namespace sentorch {

constexpr int32_t kNoLabel = -100;

struct LogitLoss {
  at::Tensor sum;
  double correct;
};

// logits: [items, labels]; labels: [items], none of them kNoLabel. weights: per label, or none.
LogitLoss cross_entropy(const at::Tensor& logits, const std::vector<int32_t>& labels,
                        const std::optional<std::vector<float>>& weights, double label_smoothing);

// logits: [items, labels]; labels: [items · labels], 0, 1 or kNoLabel. weights: of the label 1, per label, or none.
LogitLoss binary_cross_entropy(const at::Tensor& logits, const std::vector<int32_t>& labels,
                               const std::optional<std::vector<float>>& weights);

}  // namespace sentorch
