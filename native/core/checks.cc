#include "core/checks.h"

#include <string>

#include "core/heads/kind.h"

namespace sentorch {
namespace {

constexpr int64_t kMostThreads = 1024;
constexpr int64_t kFewestBuckets = 4;  // of a relative-position bias: two near distances in each direction

[[noreturn]] void refuse(const std::string& what) { throw Error("ERR_INTERNAL", "Native request: " + what + "."); }

void require(bool holds, const char* what) {
  if (!holds) refuse(what);
}

using Shape = std::vector<int64_t>;

class SourceChecker {
 public:
  explicit SourceChecker(size_t files) : files_(static_cast<int64_t>(files)) {}

  void tensor(const TensorSource& source, const Shape& shape) const {
    if (source.file < 0 || source.file >= files_ || source.offset < 0)
      refuse(source.name + " is not in any of the files");
    if (source.shape != shape) refuse("the shape of " + source.name + " does not match the model");
  }

  // A table with any number of rows.
  void table(const TensorSource& source, int64_t columns) const {
    if (source.shape.empty() || source.shape[0] < 1) refuse(source.name + " has no rows");
    tensor(source, {source.shape[0], columns});
  }

  void linear(const LinearSource& source, int64_t outputs, int64_t inputs) const {
    tensor(source.weight, {outputs, inputs});
    if (source.bias) tensor(*source.bias, {outputs});
  }

  void norm(const NormSource& source, int64_t hidden) const {
    tensor(source.weight, {hidden});
    tensor(source.bias, {hidden});
  }

  void encoder(const EncoderSource& source) const {
    const int64_t hidden = source.hidden_size, wide = source.intermediate_size;
    require(hidden >= 1 && wide >= 1 && source.heads >= 1 && hidden % source.heads == 0,
            "the sizes of the encoder do not match");
    table(source.word_embeddings, hidden);
    table(source.position_embeddings, hidden);
    require(source.position_padding >= -1, "positionPadding is below -1");
    if (source.token_type_embeddings) table(*source.token_type_embeddings, hidden);
    norm(source.embedding_norm, hidden);
    for (const LayerSource& layer : source.layers) {
      for (const LinearSource* each : {&layer.query, &layer.key, &layer.value, &layer.attention_output})
        linear(*each, hidden, hidden);
      require(layer.query.bias.has_value() == layer.key.bias.has_value() &&
                  layer.query.bias.has_value() == layer.value.bias.has_value(),
              "of query, key and value only some have a bias");
      linear(layer.intermediate, wide, hidden);
      linear(layer.output, hidden, wide);
      norm(layer.attention_norm, hidden);
      norm(layer.output_norm, hidden);
    }
    if (!source.relative_attention_bias) return;
    table(*source.relative_attention_bias, source.heads);
    require(source.relative_attention_bias->shape[0] >= kFewestBuckets, "the relative bias has too few buckets");
  }

  void dense(const std::vector<DenseSource>& modules) const {
    for (const DenseSource& each : modules) {
      const Shape& shape = each.linear.weight.shape;
      require(shape.size() == 2 && shape[0] >= 1 && shape[1] >= 1, "a Dense module's weight is not a matrix");
      linear(each.linear, shape[0], shape[1]);
    }
  }

 private:
  int64_t files_;
};

// numbers[i] … numbers[i + 1] must be ranges of `size` items, and none of them may be empty.
void check_ranges(const std::vector<int32_t>& numbers, int64_t size, const char* what) {
  require(!numbers.empty() && numbers.front() >= 0 && numbers.back() <= size, what);
  for (size_t i = 1; i < numbers.size(); i++) require(numbers[i - 1] < numbers[i], what);
}

}  // namespace

void check_load(const LoadRequest& request) {
  require(request.threads >= 1 && request.threads <= kMostThreads, "the number of threads is out of range");
  const SourceChecker checker(request.files.size());
  checker.encoder(request.encoder);
  checker.dense(request.dense);
}

int64_t checked_dimension(const VectorRequest& request, int64_t hidden, const std::vector<DenseSource>& dense) {
  require(request.prompt_tokens >= 0, "promptTokens is negative");
  int64_t dimension = hidden * static_cast<int64_t>(request.pooling.size());
  for (const PostStep& step : request.steps) {
    const int64_t* index = std::get_if<int64_t>(&step);
    if (!index) continue;
    require(*index >= 0 && *index < static_cast<int64_t>(dense.size()), "a Dense module does not exist");
    const Shape& shape = dense[*index].linear.weight.shape;
    require(shape[1] == dimension, "the inputs of a Dense module do not match its vectors");
    dimension = shape[0];
  }
  require(request.truncate_dim >= 0 && request.truncate_dim <= dimension, "truncateDim is out of range");
  return request.truncate_dim > 0 ? request.truncate_dim : dimension;
}

int64_t checked_rows(const FinishRequest& request, int64_t hidden) {
  const auto width = hidden * static_cast<int64_t>(request.vectors.pooling.size());
  const auto size = static_cast<int64_t>(request.pooled.size());
  require(width > 0 && size % width == 0, "the pooled vectors are not whole rows");
  return size / width;
}

void check_head(const HeadSource& head, int64_t hidden, const std::vector<DenseSource>& dense) {
  require(head.inputs == kind_of(head).inputs(head, hidden, dense),
          "the number of inputs of a head does not match the model");
  require(!head.sizes.empty(), "a head has no layers");
  require(!head.layers || head.layers->size() == head.sizes.size(), "the numbers of layers and sizes of a head differ");
  const SourceChecker checker(head.files.size());
  int64_t inputs = head.inputs;
  for (size_t i = 0; i < head.sizes.size(); i++) {
    require(head.sizes[i] >= 1, "a layer of a head has no outputs");
    if (head.layers) checker.linear((*head.layers)[i], head.sizes[i], inputs);
    inputs = head.sizes[i];
  }
}

void check_training(const TrainingRequest& request, const EncoderSource& encoder,
                    const std::vector<DenseSource>& dense) {
  require(request.encoder.heads == encoder.heads && request.dense.size() == dense.size(),
          "the training request describes another model");
  const SourceChecker checker(request.files.size());
  checker.encoder(request.encoder);
  checker.dense(request.dense);
}

void check_plan(const TrainRequest& request) {
  const auto batches = static_cast<int64_t>(request.batches.size()) - 1;
  check_ranges(request.batches, static_cast<int64_t>(request.order.size()),
               "micro-batches refer to rows outside order");
  check_ranges(request.steps, batches, "steps refer to micro-batches that do not exist");
  require(request.multipliers.size() + 1 >= request.steps.size(), "there are fewer multipliers than steps");
}

void check_stored(const StoredBytes& stored) {
  require(stored.offset >= 0 && stored.bytes >= 0, "a range of stored bytes is negative");
}

}  // namespace sentorch
