#include "core/checks.h"
#include "core/heads/kind.h"

namespace sentorch {
namespace {

// Predicts labels of a whole text from its sentence vector.
class Classification final : public HeadKind {
 public:
  bool per_token() const override { return false; }

  int64_t inputs(const HeadSource& source, int64_t hidden, const std::vector<DenseSource>& dense) const override {
    return checked_dimension(source.vectors, hidden, dense);
  }

  at::Tensor input(const HeadSource& source, const at::Tensor&, const MicroBatch&,
                   SentenceVectors& vectors) const override {
    return vectors.of(source.vectors);
  }
};

}  // namespace

const HeadKind& classification_kind() {
  static const Classification kind;
  return kind;
}

}  // namespace sentorch
