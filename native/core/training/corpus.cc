#include "core/training/corpus.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace sentorch {
namespace {

void check_labels(const Task& task, const std::vector<int32_t>& labels, const Rows& rows) {
  const bool independent = task.source.loss == Loss::kBce;
  const size_t expected =
      task.tokens() ? rows.ids.size() : static_cast<size_t>(rows.count() * (independent ? task.labels() : 1));
  const std::string& name = task.head->source.name;
  if (labels.size() != expected) throw Error("ERR_INTERNAL", "The labels of head " + name + " do not match the rows.");
  const int64_t limit = independent ? 2 : task.labels();
  for (int32_t label : labels) {
    if (label == kNoLabel || (label >= 0 && label < limit)) continue;
    throw Error("ERR_DATA", "Label " + std::to_string(label) + " is out of range for head " + name + ", which has " +
                                std::to_string(limit) + ".");
  }
}

}  // namespace

Corpus::Corpus(CorpusRequest request, const std::vector<Task>& tasks, const std::vector<int64_t>& dimensions)
    : request_(std::move(request)) {
  check_rows(request_.rows);
  if (request_.labels.size() != tasks.size() || request_.targets.size() != dimensions.size())
    throw Error("ERR_INTERNAL", "The corpus does not match the tasks.");
  for (size_t i = 0; i < tasks.size(); i++) check_labels(tasks[i], request_.labels[i], request_.rows);
  for (size_t i = 0; i < dimensions.size(); i++) {
    if (static_cast<int64_t>(request_.targets[i].size()) != request_.rows.count() * dimensions[i])
      throw Error("ERR_INTERNAL", "Target vectors " + std::to_string(i) + " do not match the rows.");
  }
}

void Corpus::check_row(int32_t row) const {
  if (row < 0 || row >= request_.rows.count())
    throw Error("ERR_INTERNAL", "There is no row " + std::to_string(row) + " in the corpus.");
}

std::vector<int32_t> Corpus::labels(size_t task, const Task& kind, const std::vector<int32_t>& rows) const {
  const std::vector<int32_t>& all = request_.labels[task];
  const auto& offsets = request_.rows.offsets;
  const int64_t width = kind.source.loss == Loss::kBce ? kind.labels() : 1;
  std::vector<int32_t> out;
  for (int32_t row : rows) {
    const int64_t begin = kind.tokens() ? offsets[row] : row * width;
    const int64_t end = kind.tokens() ? offsets[row + 1] : begin + width;
    out.insert(out.end(), all.begin() + begin, all.begin() + end);
  }
  return out;
}

int64_t Corpus::dimension(size_t target) const {
  return static_cast<int64_t>(request_.targets[target].size()) / std::max<int64_t>(1, request_.rows.count());
}

std::vector<int64_t> Corpus::with_target(size_t target, const std::vector<int32_t>& rows) const {
  std::vector<int64_t> places;
  for (size_t i = 0; i < rows.size(); i++) {
    if (!std::isnan(request_.targets[target][rows[i] * dimension(target)])) places.push_back(static_cast<int64_t>(i));
  }
  return places;
}

at::Tensor Corpus::targets(size_t target, const std::vector<int32_t>& rows, const std::vector<int64_t>& places) const {
  const int64_t size = dimension(target);
  at::Tensor out = at::empty({static_cast<int64_t>(places.size()), size}, at::kFloat);
  float* to = static_cast<float*>(out.data_ptr());
  for (int64_t i : places) to = std::copy_n(request_.targets[target].begin() + rows[i] * size, size, to);
  return out;
}

}  // namespace sentorch
