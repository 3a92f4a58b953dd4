#include <ATen/ops/tensor.h>

#include <algorithm>

#include "core/guard.h"
#include "core/heads/kind.h"
#include "core/training/objectives/losses.h"
#include "core/training/objectives/objective.h"

namespace sentorch {
namespace {

// The dropout site of an objective; larger than all sites of the encoder.
uint64_t site(size_t place, size_t layer) { return (uint64_t{1} << 32) + (uint64_t{place} << 16) + layer; }

// Trains a head on labels. An item is a row, or a token for a head on tokens; with 'bce', each label of a row or token
// is an item.
class HeadObjective final : public Objective {
 public:
  HeadObjective(const HeadObjectiveSource& source, size_t place, const Head& head)
      : source_(source), place_(place), head_(head), kind_(kind_of(head.source)) {
    if (source_.class_weights && static_cast<int64_t>(source_.class_weights->size()) != labels())
      throw Error("ERR_INTERNAL", "Native request: the numbers of labels and class weights of a head differ.");
  }

  double weight() const override { return source_.weight; }
  const std::string& name() const override { return source_.head; }
  const Head* head() const override { return &head_; }

  void check(const Targets& targets, const Rows& rows) const override {
    const auto* all = std::get_if<std::vector<int32_t>>(&targets);
    if (!all || static_cast<int64_t>(all->size()) != begin_of(rows, rows.count()))
      throw Error("ERR_INTERNAL", "The labels of head " + source_.head + " do not match the rows.");
    const int64_t limit = binary() ? 2 : labels();
    for (int32_t label : *all) {
      if (label == kNoLabel || (label >= 0 && label < limit)) continue;
      throw Error("ERR_DATA", "Label " + std::to_string(label) + " is out of range for head " + source_.head +
                                  ", which has " + std::to_string(limit) + " labels.");
    }
  }

  Labelled count(const Targets& targets, const Rows& corpus, const std::vector<int32_t>& rows) const override {
    Labelled out;
    for (int32_t label : labels_of(targets, corpus, rows)) {
      if (label == kNoLabel) continue;
      out.items += 1;
      out.divisor += source_.class_weights && !binary() ? (*source_.class_weights)[label] : 1;
    }
    return out;
  }

  ObjectiveLoss loss(const Targets& targets, const Rows& corpus, BatchStates& of) const override {
    const auto [places, labels, items] = labelled(labels_of(targets, corpus, of.batch.rows));
    if (places.empty()) return {};
    at::Tensor input = kind_.input(head_.source, of.states, of.batch, of.vectors);
    if (static_cast<int64_t>(places.size()) < input.size(0))
      input = input.index_select(0, at::tensor(places, at::kLong));
    const at::Tensor logits = head_forward(head_, input, [&](const at::Tensor& x, size_t layer) {
      const double p = layer == 0 ? source_.input_dropout : source_.dropout;
      return kind_.per_token() ? of.dropout.tokens_at(places, x, p, site(place_, layer))
                               : of.dropout.rows_at(places, x, p, site(place_, layer));
    });
    const auto [sum, correct] = loss_of(logits, labels);
    return {sum, items, correct};
  }

 private:
  struct Known {
    std::vector<int64_t> places;
    std::vector<int32_t> labels;
    double items;
  };

  int64_t labels() const { return head_.source.sizes.back(); }
  bool binary() const { return source_.loss == HeadLoss::kBce; }
  // The number of labels of one row or token.
  int64_t width() const { return binary() ? labels() : 1; }

  // The index of the first label of a row.
  int64_t begin_of(const Rows& corpus, int64_t row) const {
    return (kind_.per_token() ? corpus.offsets[row] : row) * width();
  }

  std::vector<int32_t> labels_of(const Targets& targets, const Rows& corpus, const std::vector<int32_t>& rows) const {
    const auto& all = std::get<std::vector<int32_t>>(targets);
    std::vector<int32_t> out;
    for (int32_t row : rows)
      out.insert(out.end(), all.begin() + begin_of(corpus, row), all.begin() + begin_of(corpus, row + 1));
    return out;
  }

  // The head is computed only for the rows or tokens with a known label.
  Known labelled(const std::vector<int32_t>& all) const {
    Known known{{}, {}, 0};
    for (size_t i = 0; i < all.size(); i += width()) {
      const auto begin = all.begin() + i, end = begin + width();
      const auto count = width() - std::count(begin, end, kNoLabel);
      if (count == 0) continue;
      known.places.push_back(static_cast<int64_t>(i) / width());
      known.labels.insert(known.labels.end(), begin, end);
      known.items += static_cast<double>(count);
    }
    return known;
  }

  LogitLoss loss_of(const at::Tensor& logits, const std::vector<int32_t>& labels) const {
    switch (source_.loss) {
      case HeadLoss::kCrossEntropy:
        return cross_entropy(logits, labels, source_.class_weights, source_.label_smoothing);
      case HeadLoss::kBce:
        return binary_cross_entropy(logits, labels, source_.class_weights);
    }
    throw unknown_value("loss of a head");
  }

  HeadObjectiveSource source_;
  size_t place_;
  const Head& head_;
  const HeadKind& kind_;
};

}  // namespace

std::unique_ptr<Objective> make_head_objective(const HeadObjectiveSource& source, size_t place,
                                               const ObjectiveContext& context) {
  return std::make_unique<HeadObjective>(source, place, head_named(context.heads, source.head));
}

}  // namespace sentorch
