// A model of two layers with generated weights in a file, described as in a load request of lib/.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "core/model.h"
#include "support/numbers.h"

namespace sentorch::test {

// A temporary folder, removed by the destructor.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string file(const std::string& name) const { return (folder_ / name).string(); }

 private:
  std::filesystem::path folder_;
};

// Writes numbers one after the other, and returns their locations.
class FileOfNumbers {
 public:
  explicit FileOfNumbers(std::string path) : path_(std::move(path)) {}
  TensorSource add(const std::string& name, const std::vector<int64_t>& shape, const std::vector<float>& values);
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  int64_t bytes_ = 0;
};

struct TinyModel {
  static constexpr int64_t kHidden = 8, kHeads = 2, kWide = 16, kVocabulary = 20, kPositions = 16;

  // dense: with a Dense module from 8 to 6 numbers after the pooling.
  explicit TinyModel(uint32_t seed = 1, bool dense = false);

  LoadRequest load_request(ComputeType dtype = ComputeType::kFloat32) const;
  std::unique_ptr<EncoderModel> load() const;
  // One objective for each head, without dropout.
  TrainingRequest training_request(std::vector<ObjectiveSource> objectives) const;

  Scratch scratch;
  FileOfNumbers file;
  EncoderSource encoder;
  std::vector<DenseSource> dense;
  Numbers numbers;
};

// Rows of random ids with the given lengths.
Rows rows_of(Numbers& numbers, const std::vector<int64_t>& lengths);

VectorRequest mean_vectors();
HeadSource classification_head(const std::string& name, int64_t labels);
HeadSource token_head(const std::string& name, int64_t labels);
HeadObjectiveSource head_objective(const std::string& head);

// All rows of the corpus as one step, in micro-batches of the given sizes.
TrainRequest one_step(const std::vector<int32_t>& rows, const std::vector<int32_t>& sizes, bool apply);

inline const StopFlag kNeverStops{false};
inline const Waiting kNobodyWaits{0};

}  // namespace sentorch::test
