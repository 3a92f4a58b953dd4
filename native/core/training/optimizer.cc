#include "core/training/optimizer.h"

#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/zeros_like.h>

namespace sentorch {

void update(const OptimizerSource& optimizer, const at::Tensor& value, const at::Tensor& gradient,
            OptimizerState& state, double learning_rate, double weight_decay, double divisor) {
  if (!state.exp_avg.defined()) {
    state.exp_avg = at::zeros_like(value);
    state.exp_avg_sq = at::zeros_like(value);
  }
  state.steps++;
  const at::Tensor step = at::scalar_tensor(static_cast<double>(state.steps), at::kFloat);
  std::optional<at::Tensor> scale;
  if (divisor != 1) scale = at::scalar_tensor(divisor, at::kFloat);
  const at::TensorList values = value, gradients = gradient, averages = state.exp_avg, squares = state.exp_avg_sq;
  const auto& [decoupled, beta1, beta2, eps] = optimizer;
  if (decoupled) {
    at::_fused_adamw_(values, gradients, averages, squares, {}, step, learning_rate, beta1, beta2, weight_decay, eps,
                      false, false, scale);
  } else {
    at::_fused_adam_(values, gradients, averages, squares, {}, step, learning_rate, beta1, beta2, weight_decay, eps,
                     false, false, scale);
  }
}

}  // namespace sentorch
