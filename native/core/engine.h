// What the binding sees of the core: plain values in, plain values out, no torch type. Mirrors binding.d.ts, which
// documents the fields. Requests are resolved by lib/: nothing here has a default.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#if defined(_WIN32)
#define SENTORCH_EXPORT __declspec(dllexport)
#else
#define SENTORCH_EXPORT __attribute__((visibility("default")))
#endif

namespace sentorch {

// `code` is one of lib/errors.ts. Default visibility: thrown in one library, caught in the other.
class SENTORCH_EXPORT Error : public std::runtime_error {
 public:
  Error(const char* code, const std::string& message) : std::runtime_error(message), code_(code) {}
  const char* code() const { return code_; }

 private:
  const char* code_;
};

enum class StoredType { kFloat32, kFloat16, kBFloat16 };
enum class ComputeType { kFloat32, kBFloat16 };
enum class Activation { kIdentity, kGelu, kGeluTanh, kRelu, kSilu, kTanh, kSigmoid };
enum class Pooling { kCls, kMax, kMean, kMeanSqrtLen, kWeightedMean, kLastToken };
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
  std::optional<KernelSet> kernels;  // none: the widest that the CPU has
};

struct LoadedModel {
  KernelSet kernels;
  bool packed;
  int64_t parameters;
  int64_t parameter_bytes;
};

struct NormalizeStep {};
using PostStep = std::variant<int64_t, NormalizeStep>;  // a Dense module by its index, or scaling to unit length

struct EncodeRequest {
  std::vector<int32_t> ids;
  std::vector<int32_t> offsets;
  std::vector<Pooling> pooling;  // empty: token states
  int64_t prompt_tokens;
  std::vector<PostStep> steps;
  int64_t truncate_dim;
  bool normalize_last;
  int64_t batch_tokens;
};

struct EncodeResult {
  std::vector<float> values;  // [rows, dimension] or [tokens, hidden]
  int64_t dimension;
  int64_t non_finite_row = -1;  // the first row that came out with a NaN or an infinity; its values are of no use
};

// Set by another thread; looked at between layers and between tensors. The work then throws Error("ERR_ABORTED").
using StopFlag = std::atomic<bool>;

// Made, used and destroyed on one thread.
class Model {
 public:
  virtual ~Model() = default;
  virtual LoadedModel info() const = 0;
  virtual EncodeResult encode(const EncodeRequest& request, const StopFlag& stop) = 0;
};

struct LibraryInfo {
  std::string torch_version;
  std::vector<std::string> cuda_devices;
  KernelSet kernels;
  bool fast_bfloat16;
};

// Stateless. Every method throws only Error.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual LibraryInfo library() = 0;
  virtual std::unique_ptr<Model> load(const LoadRequest& request, const StopFlag& stop) = 0;
  // Gives freed memory back to the operating system, where the allocator would keep it.
  virtual void release_memory() = 0;
};

}  // namespace sentorch

// The one symbol that the binding looks up.
extern "C" SENTORCH_EXPORT sentorch::Engine* sentorch_engine();
