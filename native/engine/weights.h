// Where the tensors of a model are stored, and what is known of a loaded model. binding.d.ts documents the fields.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sentorch {

enum class StoredType { kFloat32, kFloat16, kBFloat16 };
enum class ComputeType { kFloat32, kBFloat16 };
enum class Activation { kIdentity, kGelu, kGeluTanh, kRelu, kSilu, kTanh, kSigmoid };
enum class KernelSet { kPortable, kAvx2, kAvx512 };

struct TensorSource {
  std::string name;
  int64_t file;
  int64_t offset;
  StoredType dtype;
  std::vector<int64_t> shape;
};

struct LinearSource {
  TensorSource weight;
  std::optional<TensorSource> bias;
};

struct NormSource {
  TensorSource weight;
  TensorSource bias;
};

struct LayerSource {
  LinearSource query, key, value, attention_output;
  NormSource attention_norm;
  LinearSource intermediate, output;
  NormSource output_norm;
};

struct EncoderSource {
  int64_t hidden_size;
  int64_t heads;
  int64_t intermediate_size;
  double layer_norm_eps;
  Activation activation;
  int64_t position_padding;
  int64_t word_padding;
  TensorSource word_embeddings;
  TensorSource position_embeddings;
  std::optional<TensorSource> token_type_embeddings;
  NormSource embedding_norm;
  std::vector<LayerSource> layers;
  std::optional<TensorSource> relative_attention_bias;
};

struct DenseSource {
  LinearSource linear;
  Activation activation;
};

struct LoadRequest {
  std::vector<std::string> files;
  EncoderSource encoder;
  std::vector<DenseSource> dense;
  ComputeType dtype;
  std::string device;
  int64_t threads;
  std::optional<KernelSet> kernels;  // none: the widest set that the CPU supports
};

struct LoadedModel {
  KernelSet kernels;
  bool packed;
  int64_t parameters;
  int64_t parameter_bytes;
  std::string weights;  // their fingerprint
};

}  // namespace sentorch
