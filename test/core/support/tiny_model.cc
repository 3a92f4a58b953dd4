#include "support/tiny_model.h"

#include <fstream>
#include <numeric>

namespace sentorch::test {

Scratch::Scratch() {
  static int count = 0;
  const auto stamp = std::chrono::steady_clock::now().time_since_epoch().count();
  folder_ = std::filesystem::temp_directory_path() /
            ("sentorch-core-test-" + std::to_string(stamp) + "-" + std::to_string(count++));
  std::filesystem::create_directory(folder_);
}

Scratch::~Scratch() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

TensorSource FileOfNumbers::add(const std::string& name, const std::vector<int64_t>& shape,
                                const std::vector<float>& values) {
  std::ofstream out(path_, std::ios::binary | std::ios::app);
  out.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
  const TensorSource source{name, 0, bytes_, StoredType::kFloat32, shape};
  bytes_ += static_cast<int64_t>(values.size() * sizeof(float));
  return source;
}

TinyModel::TinyModel(uint32_t seed, bool with_dense) : file(scratch.file("weights")), numbers(seed) {
  const auto tensor = [&](const std::string& name, std::vector<int64_t> shape, float spread = 0.5f, float middle = 0) {
    const int64_t count = std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
    return file.add(name, shape, numbers.some(count, middle - spread, middle + spread));
  };
  const auto linear = [&](const std::string& name, int64_t outputs, int64_t inputs) {
    TensorSource weight = tensor(name + ".weight", {outputs, inputs});
    return LinearSource{std::move(weight), tensor(name + ".bias", {outputs}, 0.1f)};
  };
  const auto norm = [&](const std::string& name) {
    TensorSource weight = tensor(name + ".weight", {kHidden}, 0.2f, 1);
    return NormSource{std::move(weight), tensor(name + ".bias", {kHidden}, 0.1f)};
  };
  encoder.hidden_size = kHidden;
  encoder.heads = kHeads;
  encoder.intermediate_size = kWide;
  encoder.layer_norm_eps = 1e-12;
  encoder.activation = Activation::kGelu;
  encoder.position_padding = -1;
  encoder.word_padding = 0;
  encoder.word_embeddings = tensor("word", {kVocabulary, kHidden});
  encoder.position_embeddings = tensor("position", {kPositions, kHidden});
  encoder.token_type_embeddings = tensor("type", {2, kHidden});
  encoder.embedding_norm = norm("norm");
  for (int i = 0; i < 2; i++) {
    const std::string at = "layer." + std::to_string(i) + ".";
    encoder.layers.push_back({linear(at + "query", kHidden, kHidden), linear(at + "key", kHidden, kHidden),
                              linear(at + "value", kHidden, kHidden), linear(at + "attention", kHidden, kHidden),
                              norm(at + "attention.norm"), linear(at + "intermediate", kWide, kHidden),
                              linear(at + "output", kHidden, kWide), norm(at + "output.norm")});
  }
  if (with_dense) dense.push_back({linear("dense", 6, kHidden), Activation::kTanh});
}

LoadRequest TinyModel::load_request(ComputeType dtype) const {
  return {{file.path()}, encoder, dense, dtype, "cpu", 1, std::nullopt};
}

std::unique_ptr<EncoderModel> TinyModel::load() const {
  return std::make_unique<EncoderModel>(load_request(), kNeverStops);
}

TrainingRequest TinyModel::training_request(std::vector<ObjectiveSource> objectives) const {
  return {.files = {file.path()},
          .encoder = encoder,
          .dense = dense,
          .hidden_dropout = 0,
          .attention_dropout = 0,
          .attention_output_dropout = 0,
          .dtype = ComputeType::kFloat32,
          .seed = 7,
          .gradient_checkpointing = false,
          .optimizer = {OptimizerType::kAdamW, 0.9, 0.999, 1e-8},
          .max_grad_norm = 0,
          .objectives = std::move(objectives),
          .uncertainty = false,
          .cache_bytes = 0};
}

Rows rows_of(Numbers& numbers, const std::vector<int64_t>& lengths) {
  Rows rows{{}, {0}};
  for (int64_t length : lengths) {
    for (int64_t t = 0; t < length; t++) rows.ids.push_back(1 + numbers.below(TinyModel::kVocabulary - 1));
    rows.offsets.push_back(static_cast<int32_t>(rows.ids.size()));
  }
  return rows;
}

VectorRequest mean_vectors() { return {{Pooling::kMean}, 0, {}, 0, false}; }

HeadSource classification_head(const std::string& name, int64_t labels) {
  return {name,
          HeadType::kClassification,
          {labels},
          Activation::kIdentity,
          mean_vectors(),
          TinyModel::kHidden,
          std::nullopt,
          {},
          3};
}

HeadSource token_head(const std::string& name, int64_t labels) {
  HeadSource head = classification_head(name, labels);
  head.type = HeadType::kTokenClassification;
  head.vectors = {{}, 0, {}, 0, false};
  return head;
}

HeadObjectiveSource head_objective(const std::string& head) {
  return {head, HeadLoss::kCrossEntropy, 1, 0, std::nullopt, 0, 0};
}

TrainRequest one_step(const std::vector<int32_t>& rows, const std::vector<int32_t>& sizes, bool apply) {
  TrainRequest request{rows, {0}, {0, static_cast<int32_t>(sizes.size())}, {1}, {}, 0, 1e6, apply};
  for (int32_t size : sizes) request.batches.push_back(request.batches.back() + size);
  return request;
}

}  // namespace sentorch::test
