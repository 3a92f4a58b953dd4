#include "core/training/optimizer.h"

#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>

#include "core/guard.h"
#include "core/training/clones.h"

namespace sentorch {
namespace {

constexpr int64_t kGrain = 32768;

// Far enough below the largest float32, 3.4e38, for any rounding.
constexpr double kFar = 1e37;

// Whether weight decay is applied to the value (true) or to the gradient.
bool decoupled(OptimizerType type) {
  switch (type) {
    case OptimizerType::kAdamW:
      return true;
    case OptimizerType::kAdam:
      return false;
  }
  throw unknown_value("optimizer");
}

struct Numbers {
  float value, average, square;
};

inline Numbers updated(float value, float gradient, float average, float square, const AdamRule& rule) {
  gradient = gradient / rule.divisor + value * rule.coupled;
  average += rule.gain1 * (gradient - average);
  square = rule.beta2 * square + rule.gain2 * gradient * gradient;
  return {value * rule.decay - rule.rate * average / (std::sqrt(square) / rule.root + rule.eps), average, square};
}

// The bits of |x|, which are ordered like the magnitudes, with infinity and NaN above all numbers.
inline uint32_t magnitude(float x) { return std::bit_cast<uint32_t>(x) & 0x7fffffff; }

inline uint32_t magnitude(const Numbers& n) {
  return std::max({magnitude(n.value), magnitude(n.average), magnitude(n.square)});
}

struct Arrays {
  float* value;
  const float* gradient;
  float* average;
  float* square;
};

// Both return the largest magnitude among the new numbers.
SENTORCH_CLONES uint32_t look(const Arrays& arrays, int64_t begin, int64_t end, const AdamRule& given) {
  const auto [value, gradient, average, square] = arrays;
  const AdamRule rule = given;
  uint32_t most = 0;
  for (int64_t i = begin; i < end; i++)
    most = std::max(most, magnitude(updated(value[i], gradient[i], average[i], square[i], rule)));
  return most;
}

SENTORCH_CLONES uint32_t write(const Arrays& arrays, int64_t begin, int64_t end, const AdamRule& given) {
  const auto [value, gradient, average, square] = arrays;
  const AdamRule rule = given;
  uint32_t most = 0;
  for (int64_t i = begin; i < end; i++) {
    const Numbers to = updated(value[i], gradient[i], average[i], square[i], rule);
    value[i] = to.value;
    average[i] = to.average;
    square[i] = to.square;
    most = std::max(most, magnitude(to));
  }
  return most;
}

template <typename Work>
float largest_of_all(int64_t count, Work&& work) {
  std::atomic<uint32_t> most{0};
  at::parallel_for(0, count, kGrain, [&](int64_t begin, int64_t end) {
    const uint32_t mine = work(begin, end);
    uint32_t seen = most.load();
    while (seen < mine && !most.compare_exchange_weak(seen, mine)) {
    }
  });
  return std::bit_cast<float>(most.load());
}

Arrays arrays_of(const at::Tensor& value, const at::Tensor& gradient, const OptimizerState& state) {
  const auto data = [](const at::Tensor& tensor) { return static_cast<float*>(tensor.data_ptr()); };
  return {data(value), data(gradient), data(state.exp_avg), data(state.exp_avg_sq)};
}

}  // namespace

Update::Update(const OptimizerSource& optimizer, const at::Tensor& value, const at::Tensor& gradient, double norm,
               OptimizerState& state, double learning_rate, double weight_decay, double divisor)
    : optimizer_(optimizer),
      value_(value),
      gradient_(gradient.contiguous()),
      state_(state),
      norm_(norm),
      learning_rate_(learning_rate),
      weight_decay_(weight_decay),
      divisor_(divisor) {
  if (!state.exp_avg.defined()) state.exp_avg = at::zeros_like(value);
  if (!state.exp_avg_sq.defined()) state.exp_avg_sq = at::zeros_like(value);
  const double step = static_cast<double>(state.steps + 1);
  const bool apart = decoupled(optimizer.type);
  rule_ = {.divisor = static_cast<float>(divisor),
           .decay = static_cast<float>(apart ? 1 - learning_rate * weight_decay : 1),
           .coupled = static_cast<float>(apart ? 0 : weight_decay),
           .gain1 = static_cast<float>(1 - optimizer.beta1),
           .beta2 = static_cast<float>(optimizer.beta2),
           .gain2 = static_cast<float>(1 - optimizer.beta2),
           .eps = static_cast<float>(optimizer.eps),
           .rate = static_cast<float>(learning_rate / (1 - std::pow(optimizer.beta1, step))),
           .root = static_cast<float>(std::sqrt(1 - std::pow(optimizer.beta2, step)))};
}

bool Update::is_finite() const {
  if (!value_.is_cpu()) return true;
  const double most = state_.largest;
  if (std::isfinite(most)) {
    // Moments are means of gradients and of their squares, so they are never larger than the largest of those.
    const double gradient = norm_ / rule_.divisor + most * rule_.coupled;
    const double average = std::max(most, gradient);
    const double value = most * std::abs(rule_.decay) + std::abs(rule_.rate) * average / std::min(1.0f, rule_.eps);
    if (value < kFar && average < kFar && gradient * gradient < kFar) return true;
  }
  const Arrays arrays = arrays_of(value_, gradient_, state_);
  return std::isfinite(
      largest_of_all(value_.numel(), [&](int64_t begin, int64_t end) { return look(arrays, begin, end, rule_); }));
}

void Update::apply() {
  if (!value_.is_cpu()) return apply_on_device();
  const Arrays arrays = arrays_of(value_, gradient_, state_);
  state_.largest =
      largest_of_all(value_.numel(), [&](int64_t begin, int64_t end) { return write(arrays, begin, end, rule_); });
  state_.steps++;
}

void Update::apply_on_device() {
  const auto scalar = [&](double x) { return at::scalar_tensor(x, value_.options()); };
  const at::Tensor step = scalar(static_cast<double>(state_.steps + 1)), scale = scalar(divisor_);
  const at::TensorList values = value_, gradients = gradient_, averages = state_.exp_avg, squares = state_.exp_avg_sq;
  const auto& [type, beta1, beta2, eps] = optimizer_;
  if (decoupled(type)) {
    at::_fused_adamw_(values, gradients, averages, squares, {}, step, learning_rate_, beta1, beta2, weight_decay_, eps,
                      false, false, scale);
  } else {
    at::_fused_adam_(values, gradients, averages, squares, {}, step, learning_rate_, beta1, beta2, weight_decay_, eps,
                     false, false, scale);
  }
  state_.steps++;
}

}  // namespace sentorch
