#include "core/heads/kind.h"

namespace sentorch {
namespace {

// Predicts a label of each token from its state.
class TokenClassification final : public HeadKind {
 public:
  bool per_token() const override { return true; }

  int64_t inputs(const HeadSource&, int64_t hidden, const std::vector<DenseSource>&) const override { return hidden; }

  at::Tensor input(const HeadSource&, const at::Tensor& states, const MicroBatch& batch,
                   SentenceVectors&) const override {
    return states.narrow(0, 0, batch.tokens());
  }
};

}  // namespace

const HeadKind& token_classification_kind() {
  static const TokenClassification kind;
  return kind;
}

}  // namespace sentorch
