// Heads and their predictions. binding.d.ts documents the fields.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/encode.h"
#include "engine/weights.h"

namespace sentorch {

enum class HeadType { kClassification, kTokenClassification };

struct HeadSource {
  std::string name;
  HeadType type;
  std::vector<int64_t> sizes;
  Activation activation;
  VectorRequest vectors;  // classification
  int64_t inputs;
  std::optional<std::vector<LinearSource>> layers;  // none: initialised at random from the seed
  std::vector<std::string> files;
  int64_t seed;
};

struct PredictRequest {
  Rows rows;
  int64_t batch_tokens;
  std::vector<std::string> heads;
  std::optional<VectorRequest> embedding;
};

struct PredictResult {
  std::vector<std::vector<float>> logits;
  std::optional<EncodeResult> embedding;
  int64_t non_finite_row = -1;
};

}  // namespace sentorch
