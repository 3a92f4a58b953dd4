#include "core/training/vectors.h"

#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/stack.h>

#include <cmath>

#include "core/guard.h"
#include "core/linear.h"

namespace sentorch {
namespace {

// Weight of token t of `length`. Every mode but max is a weighted sum.
float token_weight(Pooling mode, int64_t t, int64_t length) {
  const float tokens = static_cast<float>(length);
  switch (mode) {
    case Pooling::kCls:
      return t == 0 ? 1.0f : 0.0f;
    case Pooling::kLastToken:
      return t == length - 1 ? 1.0f : 0.0f;
    case Pooling::kMean:
      return 1 / tokens;
    case Pooling::kMeanSqrtLen:
      return 1 / std::sqrt(tokens);
    case Pooling::kWeightedMean:
      return static_cast<float>(t + 1) / (tokens * (tokens + 1) / 2);
    case Pooling::kMax:
      break;
  }
  throw unknown_value("pooling by weights");
}

// [rows, tokens], to be multiplied by the states.
at::Tensor pooling_matrix(Pooling mode, const MicroBatch& batch) {
  at::Tensor matrix = at::zeros({batch.size(), batch.tokens()}, at::kFloat);
  float* to = static_cast<float*>(matrix.data_ptr());
  for (int64_t i = 0; i < batch.size(); i++) {
    float* row = to + i * batch.tokens() + batch.offsets[i];
    const int64_t length = batch.length(i);
    for (int64_t t = 0; t < length; t++) row[t] = token_weight(mode, t, length);
  }
  return matrix;
}

at::Tensor largest(const at::Tensor& states, const MicroBatch& batch) {
  std::vector<at::Tensor> rows;
  for (int64_t i = 0; i < batch.size(); i++)
    rows.push_back(std::get<0>(states.narrow(0, batch.offsets[i], batch.length(i)).max(0)));
  return at::stack(rows);
}

}  // namespace

at::Tensor training_vectors(const at::Tensor& states, const MicroBatch& batch, const VectorRequest& request,
                            const std::vector<PlainLinear>& dense, const std::vector<Activation>& activations) {
  std::vector<at::Tensor> parts;
  for (Pooling mode : request.pooling) {
    parts.push_back(mode == Pooling::kMax ? largest(states, batch) : at::matmul(pooling_matrix(mode, batch), states));
  }
  at::Tensor vectors = parts.size() == 1 ? parts[0] : at::cat(parts, 1);
  for (const PostStep& step : request.steps) {
    if (const int64_t* index = std::get_if<int64_t>(&step)) {
      vectors = activate(dense.at(*index)(vectors), activations.at(*index));
    } else {
      vectors = vectors / at::linalg_vector_norm(vectors, 2, {1}, true).clamp_min(1e-12);
    }
  }
  return vectors;
}

}  // namespace sentorch
