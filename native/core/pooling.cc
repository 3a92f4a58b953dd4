#include "core/pooling.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/guard.h"

namespace sentorch {
namespace {

constexpr float kLeastWeight = 1e-9f;  // divisor of an empty mean

// out = Σ weight(t) · tokens[t] / divisor(Σ weight(t))
template <typename Weight, typename Divisor>
void weighted_sum(const float* tokens, int64_t length, int64_t hidden, int64_t prompt, float* out, Weight weight,
                  Divisor divisor) {
  std::fill(out, out + hidden, 0.0f);
  float total = 0;
  for (int64_t t = prompt; t < length; t++) {
    const float w = weight(t);
    total += w;
    const float* token = tokens + t * hidden;
    for (int64_t i = 0; i < hidden; i++) out[i] += w * token[i];
  }
  const float by = divisor(std::max(total, kLeastWeight));
  for (int64_t i = 0; i < hidden; i++) out[i] /= by;
}

void max_of_tokens(const float* tokens, int64_t length, int64_t hidden, int64_t prompt, float* out) {
  std::fill(out, out + hidden, -std::numeric_limits<float>::infinity());
  for (int64_t t = prompt; t < length; t++) {
    const float* token = tokens + t * hidden;
    // A NaN is taken, and nothing is larger than it afterwards.
    for (int64_t i = 0; i < hidden; i++) out[i] = token[i] > out[i] || std::isnan(token[i]) ? token[i] : out[i];
  }
}

}  // namespace

void pool(Pooling mode, const float* tokens, int64_t length, int64_t hidden, int64_t prompt, float* out) {
  const auto one = [](int64_t) { return 1.0f; };
  const auto by_place = [](int64_t t) { return static_cast<float>(t + 1); };
  const auto plain = [](float total) { return total; };
  const auto root = [](float total) { return std::sqrt(total); };
  switch (mode) {
    case Pooling::kCls:
      std::copy_n(tokens + (prompt < length ? prompt : 0) * hidden, hidden, out);
      return;
    case Pooling::kMax:
      max_of_tokens(tokens, length, hidden, prompt, out);
      return;
    case Pooling::kMean:
      weighted_sum(tokens, length, hidden, prompt, out, one, plain);
      return;
    case Pooling::kMeanSqrtLen:
      weighted_sum(tokens, length, hidden, prompt, out, one, root);
      return;
    case Pooling::kWeightedMean:
      weighted_sum(tokens, length, hidden, prompt, out, by_place, plain);
      return;
    case Pooling::kLastToken:
      if (prompt >= length) {
        std::fill_n(out, hidden, 0.0f);
      } else {
        std::copy_n(tokens + (length - 1) * hidden, hidden, out);
      }
      return;
  }
  throw unknown_value("pooling");
}

void normalize(float* vector, int64_t size) {
  double square = 0;
  for (int64_t i = 0; i < size; i++) square += double(vector[i]) * vector[i];
  const float by = static_cast<float>(std::max(std::sqrt(square), 1e-12));
  for (int64_t i = 0; i < size; i++) vector[i] /= by;
}

}  // namespace sentorch
