// Compares every kernel of every instruction set of this CPU with a loop that computes the definition in double.
#include "core/kernels/kernels.h"

#include <cstring>
#include <string>

#include "core/device.h"
#include "support/numbers.h"

namespace sentorch::test {
namespace {

using kernels::bf16;

struct NamedSet {
  std::string name;
  const kernels::Set* set;
};

std::vector<NamedSet> sets() {
  std::vector<NamedSet> out;
  if (widest_kernels() >= KernelSet::kAvx2) out.push_back({"avx2", kernel_set(KernelSet::kAvx2)});
  if (widest_kernels() >= KernelSet::kAvx512) out.push_back({"avx512", kernel_set(KernelSet::kAvx512)});
  return out;
}

double value(float x) { return x; }
double value(bf16 x) {
  const uint32_t bits = static_cast<uint32_t>(x) << 16;
  float out;
  std::memcpy(&out, &bits, sizeof out);
  return out;
}

// Rounded to nearest, ties to even.
template <typename T>
std::vector<T> stored(const std::vector<float>& values);
template <>
std::vector<float> stored<float>(const std::vector<float>& values) {
  return values;
}
template <>
std::vector<bf16> stored<bf16>(const std::vector<float>& values) {
  std::vector<bf16> out;
  for (float each : values) {
    uint32_t bits;
    std::memcpy(&bits, &each, sizeof bits);
    out.push_back(static_cast<bf16>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16));
  }
  return out;
}

template <typename T>
const kernels::Table<T>& table(const kernels::Set& set);
template <>
const kernels::Table<float>& table<float>(const kernels::Set& set) {
  return set.float32;
}
template <>
const kernels::Table<bf16>& table<bf16>(const kernels::Set& set) {
  return set.bfloat16;
}

// Tolerances for numbers around 1 after LayerNorm, or averages of them: the rounding of float32, or half a bfloat16
// step in addition.
template <typename T>
constexpr double kTolerance = sizeof(T) == 4 ? 2e-6 : 1.7e-2;

template <typename T>
std::vector<double> values(const std::vector<T>& numbers) {
  std::vector<double> out;
  for (T each : numbers) out.push_back(value(each));
  return out;
}

std::vector<double> layer_norm(const std::vector<double>& x, const std::vector<float>& weight,
                               const std::vector<float>& bias, double eps) {
  double mean = 0, variance = 0;
  for (double each : x) mean += each / static_cast<double>(x.size());
  for (double each : x) variance += (each - mean) * (each - mean) / static_cast<double>(x.size());
  std::vector<double> out;
  for (size_t i = 0; i < x.size(); i++) out.push_back((x[i] - mean) / std::sqrt(variance + eps) * weight[i] + bias[i]);
  return out;
}

// Sizes that are and are not multiples of the vectors of the CPU.
const std::vector<int64_t> kHidden{8, 24, 32, 48, 100, 384};

template <typename T>
void test_norms(const kernels::Set& set) {
  for (int64_t hidden : kHidden) {
    CAPTURE(hidden);
    Numbers numbers(static_cast<uint32_t>(hidden));
    const int64_t tokens = 5, words = 7, positions = 6;
    const auto weight = numbers.some(hidden, 0.5, 1.5), bias = numbers.some(hidden);
    const kernels::NormArgs<T> norm{weight.data(), bias.data(), 1e-5f, hidden};

    const auto x = stored<T>(numbers.some(tokens * hidden, -3, 3)), y = stored<T>(numbers.some(tokens * hidden));
    std::vector<T> out(tokens * hidden);
    table<T>(set).add_norm({x.data(), y.data(), norm, out.data()}, 0, 2);
    table<T>(set).add_norm({x.data(), y.data(), norm, out.data()}, 2, tokens);
    std::vector<double> expected;
    for (int64_t t = 0; t < tokens; t++) {
      std::vector<double> sum;
      for (int64_t i = t * hidden; i < (t + 1) * hidden; i++) sum.push_back(value(x[i]) + value(y[i]));
      for (double each : layer_norm(sum, weight, bias, 1e-5)) expected.push_back(each);
    }
    check_close(values(out), expected, kTolerance<T>);

    const auto word = stored<T>(numbers.some(words * hidden)), position = stored<T>(numbers.some(positions * hidden)),
               type = stored<T>(numbers.some(hidden));
    const std::vector<int32_t> ids{6, 0, 3, 3, 1}, places{0, 1, 2, 5, 0};
    for (const T* types : {type.data(), static_cast<const T*>(nullptr)}) {
      table<T>(set).embed({word.data(), position.data(), types, ids.data(), places.data(), norm, out.data()}, 0,
                          tokens);
      expected.clear();
      for (int64_t t = 0; t < tokens; t++) {
        std::vector<double> sum;
        for (int64_t i = 0; i < hidden; i++)
          sum.push_back(value(word[ids[t] * hidden + i]) + value(position[places[t] * hidden + i]) +
                        (types ? value(type[i]) : 0));
        for (double each : layer_norm(sum, weight, bias, 1e-5)) expected.push_back(each);
      }
      check_close(values(out), expected, kTolerance<T>);
    }
  }
}

// spread: of queries and keys. With 1, scores are close together; with 12, they differ by hundreds, so that
// exponentials of anything but the difference to the largest score overflow. The rounding of a score grows with its
// size.
template <typename T>
void test_attention(const kernels::Set& set, float spread, double tolerance) {
  struct Shape {
    int64_t heads, size;
  };
  for (const Shape shape : {Shape{2, 4}, Shape{3, 8}, Shape{2, 16}, Shape{1, 20}, Shape{2, 32}, Shape{2, 64}}) {
    for (const bool biased : {false, true}) {
      CAPTURE(shape.size);
      CAPTURE(biased);
      Numbers numbers(static_cast<uint32_t>(shape.size));
      const int64_t hidden = shape.heads * shape.size, span = 40;
      const std::vector<int32_t> offsets{0, 1, 18, 23, 60};
      const int64_t tokens = offsets.back(), rows = static_cast<int64_t>(offsets.size()) - 1;
      std::vector<float> made = numbers.some(tokens * 3 * hidden, -2, 2);
      for (size_t i = 0; i < made.size(); i++) made[i] *= static_cast<int64_t>(i) / hidden % 3 < 2 ? spread : 1;
      const auto qkv = stored<T>(made);
      const auto bias = numbers.some(shape.heads * (2 * span - 1));
      std::vector<T> out(tokens * hidden);
      std::vector<float> scratch(kernels::attention_scratch(37, shape.size));
      table<T>(set).attention(
          {qkv.data(), hidden, shape.heads, offsets.data(), biased ? bias.data() : nullptr, span, out.data()}, 0,
          rows * shape.heads, scratch.data());
      std::vector<double> expected(tokens * hidden);
      const auto at = [&](int64_t token, int64_t part, int64_t head, int64_t i) {
        return value(qkv[token * 3 * hidden + part * hidden + head * shape.size + i]);
      };
      for (int64_t row = 0; row < rows; row++) {
        for (int64_t head = 0; head < shape.heads; head++) {
          for (int64_t q = offsets[row]; q < offsets[row + 1]; q++) {
            std::vector<double> weights;
            double most = -1e300, sum = 0;
            for (int64_t k = offsets[row]; k < offsets[row + 1]; k++) {
              double score = 0;
              for (int64_t i = 0; i < shape.size; i++) score += at(q, 0, head, i) * at(k, 1, head, i);
              score /= std::sqrt(static_cast<double>(shape.size));
              if (biased) score += bias[head * (2 * span - 1) + k - q + span - 1];
              weights.push_back(score);
              most = std::max(most, score);
            }
            for (double& each : weights) sum += each = std::exp(each - most);
            for (int64_t i = 0; i < shape.size; i++) {
              double mixed = 0;
              for (size_t k = 0; k < weights.size(); k++)
                mixed += weights[k] / sum * at(offsets[row] + static_cast<int64_t>(k), 2, head, i);
              expected[q * hidden + head * shape.size + i] = mixed;
            }
          }
        }
      }
      check_close(values(out), expected, tolerance);
    }
  }
}

}  // namespace

TEST_CASE("kernels: embeddings, sums and their LayerNorm") {
  for (const auto& [name, set] : sets()) {
    CAPTURE(name);
    test_norms<float>(*set);
    test_norms<bf16>(*set);
  }
}

TEST_CASE("kernels: attention inside each row, with and without a relative bias") {
  for (const auto& [name, set] : sets()) {
    CAPTURE(name);
    test_attention<float>(*set, 1, 2 * kTolerance<float>);
    test_attention<bf16>(*set, 1, 2 * kTolerance<bf16>);
    test_attention<float>(*set, 12, 2e-3);
    test_attention<bf16>(*set, 12, 2 * kTolerance<bf16>);
  }
}

TEST_CASE("kernels: a bfloat16 is stored as the nearest, ties to even") {
  for (const auto& [name, set] : sets()) {
    CAPTURE(name);
    // A LayerNorm of zeros stores its rounded bias.
    const int64_t hidden = 32;
    std::vector<float> weight(hidden, 0), bias;
    Numbers numbers(3);
    for (int64_t i = 0; i < hidden; i++) {
      uint32_t bits;
      float each = numbers.between(-4, 4);
      std::memcpy(&bits, &each, sizeof bits);
      if (i % 2 == 0) bits = (bits & 0xffff0000) | 0x8000;  // half-way
      std::memcpy(&each, &bits, sizeof each);
      bias.push_back(each);
    }
    const std::vector<bf16> x(hidden, 0);
    std::vector<bf16> out(hidden);
    set->bfloat16.add_norm({x.data(), x.data(), {weight.data(), bias.data(), 1e-5f, hidden}, out.data()}, 0, 1);
    CHECK(out == stored<bf16>(bias));
  }
}

}  // namespace sentorch::test
