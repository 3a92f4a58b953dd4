// What is minimised, as sums over labelled items: the caller divides by what a whole accumulation window holds.
#pragma once
#include <vector>

#include "core/tensor.h"

namespace sentorch {

struct TaskLoss {
  at::Tensor sum;  // scalar with gradients; undefined where nothing is labelled
  double correct = 0;
};

// logits: [items, labels]; labels: [items] (bce: [items · labels], 0 or 1), −100: none.
TaskLoss task_loss(const TaskSource& task, const at::Tensor& logits, const std::vector<int32_t>& labels);

// The labels that there are, and their places.
struct KnownLabels {
  std::vector<int64_t> places;
  std::vector<int32_t> labels;
};

KnownLabels known_labels(const std::vector<int32_t>& labels);

struct Labelled {
  double items = 0;
  double divisor = 0;  // of the sum: items, or the sum of their class weights
};

Labelled labelled(const TaskSource& task, const std::vector<int32_t>& labels);

// vectors, targets: [rows, dimension]. The sum over rows of the squared differences or of 1 − cosine.
at::Tensor target_loss(TargetLoss loss, const at::Tensor& vectors, const at::Tensor& targets);

constexpr int32_t kNoLabel = -100;

}  // namespace sentorch
