// Requests with rows of token ids, and results with vectors. binding.d.ts documents the fields.
#pragma once
#include <cstdint>
#include <variant>
#include <vector>

namespace sentorch {

enum class Pooling { kCls, kMax, kMean, kMeanSqrtLen, kWeightedMean, kLastToken };

struct NormalizeStep {
  bool operator==(const NormalizeStep&) const = default;
};
using PostStep = std::variant<int64_t, NormalizeStep>;  // a Dense module by its index, or scaling to unit length

// Token states to sentence vectors.
struct VectorRequest {
  std::vector<Pooling> pooling;  // empty: token states
  int64_t prompt_tokens;
  std::vector<PostStep> steps;
  int64_t truncate_dim;
  bool normalize_last;
  bool operator==(const VectorRequest&) const = default;
};

struct Rows {
  std::vector<int32_t> ids;
  std::vector<int32_t> offsets;
  int64_t count() const { return static_cast<int64_t>(offsets.size()) - 1; }
};

struct EncodeRequest {
  Rows rows;
  VectorRequest vectors;
  int64_t batch_tokens;
};

// The pooling of `vectors` says how wide the pooled vectors are; the operations after it are applied to them.
struct FinishRequest {
  std::vector<float> pooled;  // [rows, poolings · hidden]
  VectorRequest vectors;
};

struct EncodeResult {
  std::vector<float> values;  // [rows, dimension] or [tokens, hidden]
  int64_t dimension;
  int64_t non_finite_row = -1;  // the first row that contains a NaN or an infinity; its values are not used; −1: none
  std::string weights;          // the fingerprint of the weights that computed them
};

}  // namespace sentorch
