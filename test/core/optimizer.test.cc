#include "core/training/optimizer.h"

#include "support/numbers.h"

namespace sentorch::test {
namespace {

// AdamW and Adam as PyTorch documents them, in double.
struct Reference {
  OptimizerSource source;
  double rate, decay;
  std::vector<double> value, average, square;
  int64_t steps = 0;

  Reference(const OptimizerSource& optimizer, double learning_rate, double weight_decay,
            const std::vector<float>& start)
      : source(optimizer),
        rate(learning_rate),
        decay(weight_decay),
        value(start.begin(), start.end()),
        average(start.size()),
        square(start.size()) {}

  void step(const std::vector<float>& gradient, double divisor) {
    steps++;
    for (size_t i = 0; i < value.size(); i++) {
      double g = gradient[i] / divisor;
      if (source.type == OptimizerType::kAdamW) value[i] -= rate * decay * value[i];
      if (source.type == OptimizerType::kAdam) g += decay * value[i];
      average[i] = source.beta1 * average[i] + (1 - source.beta1) * g;
      square[i] = source.beta2 * square[i] + (1 - source.beta2) * g * g;
      const double m = average[i] / (1 - std::pow(source.beta1, steps)),
                   v = square[i] / (1 - std::pow(source.beta2, steps));
      value[i] -= rate * m / (std::sqrt(v) + source.eps);
    }
  }
};

double norm_of(const std::vector<float>& numbers) {
  double sum = 0;
  for (float each : numbers) sum += double(each) * each;
  return std::sqrt(sum);
}

const OptimizerSource kAdamW{OptimizerType::kAdamW, 0.9, 0.999, 1e-8}, kAdam{OptimizerType::kAdam, 0.8, 0.99, 1e-6};

}  // namespace

TEST_CASE("optimizer: AdamW and Adam are those of PyTorch, on one element and on several threads' worth") {
  for (const OptimizerSource& source : {kAdamW, kAdam}) {
    for (int64_t count : {1, 5, 70000}) {
      CAPTURE(static_cast<int>(source.type));
      CAPTURE(count);
      Numbers numbers(8);
      at::Tensor value = numbers.tensor({count});
      Reference reference(source, 1e-2, 0.1, numbers_of(value));
      OptimizerState state;
      for (int step = 0; step < 6; step++) {
        const at::Tensor gradient = numbers.tensor({count});
        const auto plain = numbers_of(gradient);
        const double divisor = step % 2 ? 2.5 : 1;
        Update update(source, value, gradient, norm_of(plain), state, 1e-2, 0.1, divisor);
        REQUIRE(update.is_finite());
        update.apply();
        reference.step(plain, divisor);
      }
      CHECK(state.steps == 6);
      check_close(numbers_of(value), reference.value, 2e-6);
      check_close(numbers_of(state.exp_avg), reference.average, 2e-6);
      check_close(numbers_of(state.exp_avg_sq), reference.square, 2e-6);
    }
  }
}

TEST_CASE("optimizer: an update that would write a number beyond float32 is known before it is written") {
  for (const OptimizerSource& source : {kAdamW, kAdam}) {
    CAPTURE(static_cast<int>(source.type));
    Numbers numbers(9);
    at::Tensor value = numbers.tensor({100});
    const auto before = numbers_of(value);
    OptimizerState state;
    const at::Tensor gradient = numbers.tensor({100});
    const auto finite = [&](const at::Tensor& of, double rate) {
      return Update(source, value, of, norm_of(numbers_of(of)), state, rate, 0.1, 1).is_finite();
    };
    CHECK(finite(gradient, 1e-2));
    CHECK_FALSE(finite(gradient, 1e39));
    at::Tensor huge = gradient.clone();
    huge[17] = 1e30;  // its square overflows float32
    CHECK_FALSE(finite(huge, 1e-2));
    CHECK(numbers_of(value) == before);
    CHECK(state.steps == 0);
    // Also when the bounds are known from an earlier update.
    Update(source, value, gradient, norm_of(numbers_of(gradient)), state, 1e-2, 0.1, 1).apply();
    CHECK(std::isfinite(state.largest));
    CHECK(finite(gradient, 1e-2));
    CHECK_FALSE(finite(gradient, 1e39));
    CHECK_FALSE(finite(huge, 1e-2));
  }
}

}  // namespace sentorch::test
