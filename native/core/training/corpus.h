// The rows of a training run with what is known of each.
#pragma once
#include <vector>

#include "core/batch.h"
#include "core/heads.h"
#include "core/training/losses.h"

namespace sentorch {

// A head under training.
struct Task {
  TaskSource source;
  Head* head;
  bool tokens() const { return head->source.type == HeadType::kTokenClassification; }
  int64_t labels() const { return head->source.sizes.back(); }
};

class Corpus {
 public:
  Corpus() = default;
  // Refuses what does not fit the tasks and the dimensions of the targets: counts, and labels that are out of range.
  Corpus(CorpusRequest request, const std::vector<Task>& tasks, const std::vector<int64_t>& dimensions);

  const Rows& rows() const { return request_.rows; }
  void check_row(int32_t row) const;

  // Labels of those rows, one behind the other.
  std::vector<int32_t> labels(size_t task, const Task& kind, const std::vector<int32_t>& rows) const;
  // Places among those rows of the ones that have a target.
  std::vector<int64_t> with_target(size_t target, const std::vector<int32_t>& rows) const;
  // Their targets, [places, dimension].
  at::Tensor targets(size_t target, const std::vector<int32_t>& rows, const std::vector<int64_t>& places) const;
  int64_t dimension(size_t target) const;

 private:
  CorpusRequest request_;
};

}  // namespace sentorch
