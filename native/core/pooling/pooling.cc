#include "core/pooling/pooling.h"

#include <ATen/ops/matmul.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/guard.h"

namespace sentorch {
namespace {

constexpr float kLeastWeight = 1e-9f;  // divisor of the mean over no tokens

float one(int64_t) { return 1; }
float by_place(int64_t t) { return static_cast<float>(t + 1); }
float plain(float total) { return total; }
float root(float total) { return std::sqrt(total); }

// out = Σ weight(t) · tokens[t] / divisor(Σ weight(t))
template <float (*weight)(int64_t), float (*divisor)(float)>
void weighted_sum(const float* tokens, int64_t length, int64_t hidden, int64_t prompt, float* out) {
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

void first_token(const float* tokens, int64_t length, int64_t hidden, int64_t prompt, float* out) {
  std::copy_n(tokens + (prompt < length ? prompt : 0) * hidden, hidden, out);
}

void last_token(const float* tokens, int64_t length, int64_t hidden, int64_t prompt, float* out) {
  if (prompt >= length) {
    std::fill_n(out, hidden, 0.0f);
  } else {
    std::copy_n(tokens + (length - 1) * hidden, hidden, out);
  }
}

void max_of_tokens(const float* tokens, int64_t length, int64_t hidden, int64_t prompt, float* out) {
  std::fill(out, out + hidden, -std::numeric_limits<float>::infinity());
  for (int64_t t = prompt; t < length; t++) {
    const float* token = tokens + t * hidden;
    // A NaN is taken, and is then kept, because no number compares larger.
    for (int64_t i = 0; i < hidden; i++) out[i] = token[i] > out[i] || std::isnan(token[i]) ? token[i] : out[i];
  }
}

// Every mode but max is a product with a matrix [rows, tokens]; `fill` writes the weights of one row's tokens.
template <typename Fill>
at::Tensor product(const at::Tensor& states, const MicroBatch& batch, Fill fill) {
  at::Tensor matrix = at::zeros({batch.size(), batch.tokens()}, at::kFloat);
  float* weights = static_cast<float*>(matrix.data_ptr());
  for (int64_t i = 0; i < batch.size(); i++) fill(weights + i * batch.tokens() + batch.offsets[i], batch.length(i));
  return at::matmul(matrix, states);
}

template <float (*weight)(int64_t), float (*divisor)(float)>
at::Tensor train_weighted_sum(const at::Tensor& states, const MicroBatch& batch) {
  return product(states, batch, [](float* weights, int64_t length) {
    float total = 0;
    for (int64_t t = 0; t < length; t++) total += weights[t] = weight(t);
    for (int64_t t = 0; t < length; t++) weights[t] /= divisor(total);
  });
}

at::Tensor train_first_token(const at::Tensor& states, const MicroBatch& batch) {
  return product(states, batch, [](float* weights, int64_t) { weights[0] = 1; });
}

at::Tensor train_last_token(const at::Tensor& states, const MicroBatch& batch) {
  return product(states, batch, [](float* weights, int64_t length) { weights[length - 1] = 1; });
}

at::Tensor train_max_of_tokens(const at::Tensor& states, const MicroBatch& batch) {
  std::vector<at::Tensor> rows;
  for (int64_t i = 0; i < batch.size(); i++)
    rows.push_back(std::get<0>(states.narrow(0, batch.offsets[i], batch.length(i)).max(0)));
  return at::stack(rows);
}

constexpr PoolingMode kCls{first_token, train_first_token};
constexpr PoolingMode kMax{max_of_tokens, train_max_of_tokens};
constexpr PoolingMode kMean{weighted_sum<one, plain>, train_weighted_sum<one, plain>};
constexpr PoolingMode kMeanSqrtLen{weighted_sum<one, root>, train_weighted_sum<one, root>};
constexpr PoolingMode kWeightedMean{weighted_sum<by_place, plain>, train_weighted_sum<by_place, plain>};
constexpr PoolingMode kLastToken{last_token, train_last_token};

}  // namespace

const PoolingMode& pooling_mode(Pooling mode) {
  switch (mode) {
    case Pooling::kCls:
      return kCls;
    case Pooling::kMax:
      return kMax;
    case Pooling::kMean:
      return kMean;
    case Pooling::kMeanSqrtLen:
      return kMeanSqrtLen;
    case Pooling::kWeightedMean:
      return kWeightedMean;
    case Pooling::kLastToken:
      return kLastToken;
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
