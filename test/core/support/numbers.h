// Generated numbers, and comparisons that report the first number that differs.
#pragma once
#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace sentorch::test {

// Uniform numbers, the same on every machine: they are made from bits, because distributions differ between standard
// libraries.
class Numbers {
 public:
  explicit Numbers(uint32_t seed) : bits_(seed) {}

  float between(float low, float high) {
    return low + (high - low) * (static_cast<float>(bits_() >> 8) / static_cast<float>(1 << 24));
  }
  int32_t below(int32_t end) { return static_cast<int32_t>(bits_() % static_cast<uint32_t>(end)); }

  std::vector<float> some(int64_t count, float low = -1, float high = 1) {
    std::vector<float> out(count);
    for (float& each : out) each = between(low, high);
    return out;
  }

  at::Tensor tensor(at::IntArrayRef shape, float low = -1, float high = 1) {
    at::Tensor out = at::empty(shape, at::kFloat);
    float* data = static_cast<float*>(out.data_ptr());
    for (int64_t i = 0; i < out.numel(); i++) data[i] = between(low, high);
    return out;
  }

 private:
  std::mt19937 bits_;
};

inline std::vector<float> numbers_of(const at::Tensor& tensor) {
  const at::Tensor values = tensor.detach().to(at::kCPU, at::kFloat).contiguous();
  const float* data = static_cast<const float*>(values.data_ptr());
  return {data, data + values.numel()};
}

template <typename A, typename B>
void check_close(const std::vector<A>& got, const std::vector<B>& expected, double tolerance) {
  REQUIRE(got.size() == expected.size());
  for (size_t i = 0; i < got.size(); i++) {
    const double difference = std::abs(static_cast<double>(got[i]) - static_cast<double>(expected[i]));
    if (difference <= tolerance) continue;
    FAIL("number " << i << " is " << got[i] << " instead of " << expected[i]);
  }
}

inline void check_close(const at::Tensor& got, const at::Tensor& expected, double tolerance) {
  REQUIRE(got.sizes() == expected.sizes());
  check_close(numbers_of(got), numbers_of(expected), tolerance);
}

// The code with which `work` is refused; "" if it is not refused.
template <typename Work>
std::string code_of(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.code();
  }
  return "";
}

}  // namespace sentorch::test
