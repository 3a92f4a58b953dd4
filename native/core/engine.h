// What the binding sees of the core: plain values in, plain values out, no torch type. Mirrors binding.d.ts, which
// documents the fields. Requests are resolved by lib/: no field of theirs has a default.
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
  Error(const char* code, const char* message) : std::runtime_error(message), code_(code) {}
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
  std::optional<KernelSet> kernels;  // none: the widest that the CPU has
};

struct LoadedModel {
  KernelSet kernels;
  bool packed;
  int64_t parameters;
  int64_t parameter_bytes;
};

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

struct EncodeResult {
  std::vector<float> values;  // [rows, dimension] or [tokens, hidden]
  int64_t dimension;
  int64_t non_finite_row = -1;  // the first row that came out with a NaN or an infinity; its values are of no use
};

enum class HeadType { kClassification, kTokenClassification };

struct HeadSource {
  std::string name;
  HeadType type;
  std::vector<int64_t> sizes;
  Activation activation;
  VectorRequest vectors;  // classification
  int64_t inputs;
  std::optional<std::vector<LinearSource>> layers;  // none: drawn from the seed
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

enum class Loss { kCrossEntropy, kBce };
enum class TargetLoss { kMse, kCosine };

struct TaskSource {
  std::string head;
  Loss loss;
  double weight;
  double label_smoothing;
  std::optional<std::vector<float>> class_weights;
  double input_dropout;
  double dropout;
};

struct TargetSource {
  VectorRequest vectors;
  TargetLoss loss;
  double weight;
};

struct OptimizerSource {
  bool decoupled;  // AdamW; false: Adam
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
  std::vector<TaskSource> tasks;
  std::vector<TargetSource> targets;
  bool uncertainty;
  int64_t cache_bytes;
};

enum class Part { kEmbeddings, kLayer, kRelativeBias, kDense, kHead, kUncertainty };

struct ParameterInfo {
  std::string name;
  std::vector<int64_t> shape;
  Part part;
  int64_t index;
  std::string head;
};

struct GroupSource {
  std::vector<int64_t> parameters;
  double learning_rate;
  double weight_decay;
  bool clip;
};

struct CorpusRequest {
  Rows rows;
  std::vector<std::vector<int32_t>> labels;
  std::vector<std::vector<float>> targets;
};

struct TrainRequest {
  std::vector<int32_t> order;
  std::vector<int32_t> batches;
  std::vector<int32_t> steps;
  std::vector<double> multipliers;
  int64_t first_step;
  double milliseconds;
  bool apply;
};

struct TrainResult {
  int64_t steps = 0;
  bool skipped = false;
  std::vector<double> loss, losses, items, correct, gradient_norm;
  int64_t examples = 0;
  int64_t tokens = 0;
};

enum class ParameterValue { kValue, kGradient, kExpAvg, kExpAvgSq };

struct StoredBytes {
  std::string file;
  int64_t offset;
  int64_t bytes;
};

struct ParameterPart {
  ParameterValue value;
  std::string parameter;
};

struct WriteRequest {
  std::string path;
  std::vector<uint8_t> header;
  std::vector<std::variant<ParameterPart, StoredBytes>> parts;
};

struct RestoreRequest {
  struct Item {
    ParameterPart target;
    TensorSource source;
  };
  std::vector<std::string> files;
  std::vector<Item> parameters;
  std::vector<int32_t> steps;
};

// Set by another thread; looked at between layers and between tensors. The work then throws Error("ERR_ABORTED").
using StopFlag = std::atomic<bool>;

// How many other requests wait for the thread that a long request runs on.
using Waiting = std::atomic<int64_t>;

// The one trainer of a model.
class Training {
 public:
  virtual ~Training() = default;
  virtual std::vector<ParameterInfo> parameters() const = 0;
  virtual void set_groups(const std::vector<GroupSource>& groups) = 0;
  virtual void set_corpus(CorpusRequest request) = 0;
  virtual TrainResult train(const TrainRequest& request, const StopFlag& stop, const Waiting& waiting) = 0;
  virtual std::vector<int32_t> optimizer_steps() const = 0;
  virtual void restore(const RestoreRequest& request, const StopFlag& stop) = 0;
};

// Made, used and destroyed on one thread.
class Model {
 public:
  virtual ~Model() = default;
  virtual LoadedModel info() const = 0;
  virtual EncodeResult encode(const EncodeRequest& request, const StopFlag& stop) = 0;

  virtual void add_head(const HeadSource& source, const StopFlag& stop) = 0;
  virtual void remove_head(const std::string& name) = 0;
  virtual void extend_head(const std::string& name, int64_t count, int64_t seed) = 0;
  virtual PredictResult predict(const PredictRequest& request, const StopFlag& stop) = 0;

  virtual Training& start_training(const TrainingRequest& request, const StopFlag& stop) = 0;
  virtual Training& training() = 0;
  virtual void end_training() = 0;

  virtual std::vector<std::vector<float>> read(ParameterValue value, const std::vector<std::string>& names) = 0;
  virtual void write(const WriteRequest& request, const StopFlag& stop) = 0;
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
