// AdamW and Adam with PyTorch's semantics.
#pragma once
#include "core/tensor.h"

namespace sentorch {

// What the optimizer keeps of one parameter.
struct OptimizerState {
  at::Tensor exp_avg;  // undefined before the first update
  at::Tensor exp_avg_sq;
  int64_t steps = 0;
};

// One update in place. `gradient` is divided by `divisor` first (and changed by it).
void update(const OptimizerSource& optimizer, const at::Tensor& value, const at::Tensor& gradient,
            OptimizerState& state, double learning_rate, double weight_decay, double divisor);

}  // namespace sentorch
