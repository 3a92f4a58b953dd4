// A training run: its objectives, its data and its steps. binding.d.ts documents the fields.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/encode.h"
#include "engine/weights.h"

namespace sentorch {

enum class HeadLoss { kCrossEntropy, kBce };
enum class VectorLoss { kMse, kCosine };

// Trains a head on labels.
struct HeadObjectiveSource {
  std::string head;
  HeadLoss loss;
  double weight;
  double label_smoothing;
  std::optional<std::vector<float>> class_weights;
  double input_dropout;
  double dropout;
};

// Trains the sentence vector to match given vectors.
struct VectorObjectiveSource {
  std::string name;
  VectorRequest vectors;
  VectorLoss loss;
  double weight;
};

using ObjectiveSource = std::variant<HeadObjectiveSource, VectorObjectiveSource>;

enum class OptimizerType { kAdamW, kAdam };

struct OptimizerSource {
  OptimizerType type;
  double beta1, beta2, eps;
};

struct TrainingRequest {
  std::vector<std::string> files;
  EncoderSource encoder;
  std::vector<DenseSource> dense;
  double hidden_dropout;
  double attention_dropout;
  double attention_output_dropout;
  ComputeType dtype;
  int64_t seed;
  bool gradient_checkpointing;
  OptimizerSource optimizer;
  double max_grad_norm;
  std::vector<ObjectiveSource> objectives;
  bool uncertainty;
  int64_t cache_bytes;
};

struct GroupSource {
  std::vector<int64_t> parameters;
  double learning_rate;
  double weight_decay;
  bool clip;
};

// The targets of an objective: labels of a head, or vectors.
using Targets = std::variant<std::vector<int32_t>, std::vector<float>>;

struct CorpusRequest {
  Rows rows;
  std::vector<Targets> targets;  // per objective
};

struct TrainRequest {
  std::vector<int32_t> order;
  std::vector<int32_t> batches;
  std::vector<int32_t> steps;
  std::vector<double> multipliers;
  std::optional<std::vector<double>> weights;  // per objective
  int64_t first_step;
  double milliseconds;
  bool apply;
};

struct TrainResult {
  int64_t steps = 0;
  bool skipped = false;
  std::vector<double> loss, losses, items, correct, gradient_norm, uncertainty;
  int64_t examples = 0;
  int64_t tokens = 0;
};

}  // namespace sentorch
