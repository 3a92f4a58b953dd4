// The encoder's parameters as the forward pass uses them, made from the stored tensors.
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
  std::vector<Linear> dense;  // float32, on the CPU, as pooled vectors are
  int64_t count = 0;          // numbers in all
  int64_t bytes = 0;          // in the type of the computation
};

struct Placement {
  at::ScalarType type;
  at::Device device;
  bool pack;
};

// The numbers of a parameter, by its name among the model's parameters or by where it is stored.
using TensorLookup = std::function<at::Tensor(const std::string& name, const TensorSource& source)>;

Parameters make_parameters(const EncoderSource& encoder, const std::vector<DenseSource>& dense,
                           const Placement& placement, const TensorLookup& lookup);

// Stored names are unique in the encoder; every Dense module has the same two.
std::string dense_name(size_t index, const char* part);

}  // namespace sentorch
