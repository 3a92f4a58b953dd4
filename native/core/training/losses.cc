#include "core/training/losses.h"

#include <ATen/ops/argmax.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/cosine_similarity.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/tensor.h>

namespace sentorch {
namespace {

std::optional<at::Tensor> weights_of(const TaskSource& task) {
  if (!task.class_weights) return std::nullopt;
  return at::tensor(*task.class_weights, at::kFloat);
}

TaskLoss cross_entropy(const TaskSource& task, const at::Tensor& logits, const std::vector<int32_t>& labels) {
  const auto& [items, classes] = known_labels(labels);
  if (items.empty()) return {};
  const at::Tensor target = at::tensor(classes, at::kLong);
  const at::Tensor chosen =
      items.size() == labels.size() ? logits : logits.index_select(0, at::tensor(items, at::kLong));
  const at::Tensor sum =
      at::cross_entropy_loss(chosen, target, weights_of(task), at::Reduction::Sum, kNoLabel, task.label_smoothing);
  const double correct = (chosen.detach().argmax(1) == target).sum().item<double>();
  return {sum, correct};
}

TaskLoss binary_cross_entropy(const TaskSource& task, const at::Tensor& logits, const std::vector<int32_t>& labels) {
  at::Tensor target = at::zeros(logits.sizes(), at::kFloat), known = at::zeros(logits.sizes(), at::kFloat);
  float* to = static_cast<float*>(target.data_ptr());
  float* seen = static_cast<float*>(known.data_ptr());
  bool any = false;
  for (size_t i = 0; i < labels.size(); i++) {
    if (labels[i] == kNoLabel) continue;
    to[i] = static_cast<float>(labels[i]);
    seen[i] = 1;
    any = true;
  }
  if (!any) return {};
  const at::Tensor sum =
      at::binary_cross_entropy_with_logits(logits, target, known, weights_of(task), at::Reduction::Sum);
  const at::Tensor right = ((logits.detach() > 0) == (target > 0)).to(at::kFloat) * known;
  return {sum, right.sum().item<double>()};
}

}  // namespace

TaskLoss task_loss(const TaskSource& task, const at::Tensor& logits, const std::vector<int32_t>& labels) {
  return task.loss == Loss::kCrossEntropy ? cross_entropy(task, logits, labels)
                                          : binary_cross_entropy(task, logits, labels);
}

KnownLabels known_labels(const std::vector<int32_t>& labels) {
  KnownLabels known;
  for (size_t i = 0; i < labels.size(); i++) {
    if (labels[i] == kNoLabel) continue;
    known.places.push_back(static_cast<int64_t>(i));
    known.labels.push_back(labels[i]);
  }
  return known;
}

Labelled labelled(const TaskSource& task, const std::vector<int32_t>& labels) {
  Labelled out;
  for (int32_t label : labels) {
    if (label == kNoLabel) continue;
    out.items += 1;
    out.divisor += task.class_weights && task.loss == Loss::kCrossEntropy ? (*task.class_weights)[label] : 1;
  }
  return out;
}

at::Tensor target_loss(TargetLoss loss, const at::Tensor& vectors, const at::Tensor& targets) {
  if (loss == TargetLoss::kMse) return (vectors - targets).square().sum();
  return (1 - at::cosine_similarity(vectors, targets, 1, 1e-8)).sum();
}

}  // namespace sentorch
