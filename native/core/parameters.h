// The encoder's parameters as the forward pass uses them, made from the stored tensors.
#pragma once
#include <vector>

#include "core/linear.h"
#include "core/operations.h"
#include "core/tensor.h"
#include "core/weights.h"

namespace sentorch {

struct Layer {
  Linear qkv;  // query, key and value as one product
  Linear attention_output;
  Norm attention_norm;
  Linear intermediate;
  Linear output;
  Norm output_norm;
};

struct DenseModule {
  Linear linear;  // float32, on the CPU, as pooled vectors are
};

struct Parameters {
  EmbeddingTables embeddings;
  std::vector<Layer> layers;
  RelativeBias relative_bias;
  std::vector<DenseModule> dense;
  int64_t count = 0;  // numbers in all
  int64_t bytes = 0;  // in the type of the computation
};

struct Placement {
  at::ScalarType type;
  at::Device device;
  bool pack;
};

Parameters read_parameters(const LoadRequest& request, const Placement& placement, const StopFlag& stop);

}  // namespace sentorch
