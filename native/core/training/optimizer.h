// AdamW and Adam with the semantics of PyTorch. An update has two phases: everything that can fail, and then writing,
// which cannot fail.
#pragma once
#include <limits>

#include "core/tensor.h"

namespace sentorch {

// The state of the optimizer for one parameter.
struct OptimizerState {
  at::Tensor exp_avg;  // undefined before the first update
  at::Tensor exp_avg_sq;
  int64_t steps = 0;
  // Largest magnitude among the value and its moments after the last update; infinity: unknown.
  float largest = std::numeric_limits<float>::infinity();
};

// The arithmetic of one update of one number.
struct AdamRule {
  float divisor;  // of the gradient
  float decay;    // value ← value · decay (AdamW)
  float coupled;  // gradient ← gradient + value · coupled (Adam)
  float gain1;    // 1 − β1
  float beta2, gain2;
  float eps;
  float rate;  // learning rate ÷ bias correction of the first moment
  float root;  // square root of the bias correction of the second
};

// The next update of one parameter.
class Update {
 public:
  // Allocates the moments if they do not exist yet. `gradient` will be divided by `divisor`; `norm` is its norm before
  // the division. The optimizer and the state must outlive the update.
  Update(const OptimizerSource& optimizer, const at::Tensor& value, const at::Tensor& gradient, double norm,
         OptimizerState& state, double learning_rate, double weight_decay, double divisor);

  // Whether apply() would write only finite numbers. The numbers are computed only if they could overflow. On devices
  // other than the CPU: always true.
  bool is_finite() const;

  // Writes the value, its moments and the count of steps. On the CPU it allocates nothing, so it cannot fail.
  void apply();

 private:
  void apply_on_device();

  const OptimizerSource& optimizer_;
  at::Tensor value_, gradient_;
  OptimizerState& state_;
  double norm_, learning_rate_, weight_decay_, divisor_;
  AdamRule rule_;
};

}  // namespace sentorch
