#include <ATen/ops/cosine_similarity.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>

#include "core/checks.h"
#include "core/guard.h"
#include "core/training/objectives/objective.h"

namespace sentorch {
namespace {

// Trains the sentence vector to match given vectors: those of a teacher, or those of the model before training. An item
// is a row; a row whose target begins with NaN has no target.
class VectorObjective final : public Objective {
 public:
  VectorObjective(const VectorObjectiveSource& source, int64_t dimension) : source_(source), dimension_(dimension) {}

  double weight() const override { return source_.weight; }
  const std::string& name() const override { return source_.name; }

  void check(const Targets& targets, const Rows& rows) const override {
    const auto* all = std::get_if<std::vector<float>>(&targets);
    if (!all || static_cast<int64_t>(all->size()) != rows.count() * dimension_)
      throw Error("ERR_INTERNAL", "The vectors of " + source_.name + " do not match the rows.");
  }

  Labelled count(const Targets& targets, const Rows&, const std::vector<int32_t>& rows) const override {
    const double items = static_cast<double>(known(targets, rows).size());
    switch (source_.loss) {
      case VectorLoss::kMse:
        return {items, items * static_cast<double>(dimension_)};
      case VectorLoss::kCosine:
        return {items, items};
    }
    throw unknown_value("loss of vectors");
  }

  ObjectiveLoss loss(const Targets& targets, const Rows&, BatchStates& of) const override {
    const std::vector<int64_t> places = known(targets, of.batch.rows);
    if (places.empty()) return {};
    at::Tensor vectors = of.vectors.of(source_.vectors);
    if (static_cast<int64_t>(places.size()) < vectors.size(0))
      vectors = vectors.index_select(0, at::tensor(places, at::kLong));
    return {sum(vectors, matrix(targets, of.batch.rows, places)), static_cast<double>(places.size())};
  }

 private:
  static const std::vector<float>& numbers(const Targets& targets) { return std::get<std::vector<float>>(targets); }

  // The indices among the given rows of those with a target.
  std::vector<int64_t> known(const Targets& targets, const std::vector<int32_t>& rows) const {
    std::vector<int64_t> places;
    for (size_t i = 0; i < rows.size(); i++) {
      if (!std::isnan(numbers(targets)[rows[i] * dimension_])) places.push_back(static_cast<int64_t>(i));
    }
    return places;
  }

  // Their targets, [places, dimension].
  at::Tensor matrix(const Targets& targets, const std::vector<int32_t>& rows,
                    const std::vector<int64_t>& places) const {
    at::Tensor out = at::empty({static_cast<int64_t>(places.size()), dimension_}, at::kFloat);
    float* to = static_cast<float*>(out.data_ptr());
    for (int64_t i : places) to = std::copy_n(numbers(targets).begin() + rows[i] * dimension_, dimension_, to);
    return out;
  }

  at::Tensor sum(const at::Tensor& vectors, const at::Tensor& targets) const {
    switch (source_.loss) {
      case VectorLoss::kMse:
        return (vectors - targets).square().sum();
      case VectorLoss::kCosine:
        return (1 - at::cosine_similarity(vectors, targets, 1, 1e-8)).sum();
    }
    throw unknown_value("loss of vectors");
  }

  VectorObjectiveSource source_;
  int64_t dimension_;
};

}  // namespace

std::unique_ptr<Objective> make_vector_objective(const VectorObjectiveSource& source, const ObjectiveContext& context) {
  return std::make_unique<VectorObjective>(source, checked_dimension(source.vectors, context.hidden, context.dense));
}

}  // namespace sentorch
