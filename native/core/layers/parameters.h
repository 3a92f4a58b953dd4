// The parameters of the encoder in the form that the forward pass uses, made from the stored tensors.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/layers/linear.h"
#include "core/layers/operations.h"
#include "core/tensor.h"

namespace sentorch {

struct Layer {
  Linear qkv;  // query, key and value as one product
  Linear attention_output;
  Norm attention_norm;
  Linear intermediate;
  Linear output;
  Norm output_norm;
};

struct Parameters {
  EmbeddingTables embeddings;
  std::vector<Layer> layers;
  RelativeBias relative_bias;
  std::vector<Linear> dense;  // float32, on the CPU, like pooled vectors
  int64_t count = 0;          // total number of values
  int64_t bytes = 0;          // in the type of the computation
};

struct Placement {
  at::ScalarType type;
  at::Device device;
  bool pack;
};

// Finds the values of a parameter, by its name in the model or by its stored tensor.
using TensorLookup = std::function<at::Tensor(const std::string& name, const TensorSource& source)>;

Parameters make_parameters(const EncoderSource& encoder, const std::vector<DenseSource>& dense,
                           const Placement& placement, const TensorLookup& lookup);

// The name of a parameter of a Dense module. Stored names are unique in the encoder, but the same in every Dense
// module.
std::string dense_name(size_t index, const char* part);

}  // namespace sentorch
