// The differences between kinds of heads: their input, and whether a label belongs to a row or to a token. One file per
// kind; the registry is kinds.cc.
#pragma once
#include <vector>

#include "core/heads/head.h"
#include "core/pooling/sentence_vectors.h"

namespace sentorch {

class HeadKind {
 public:
  virtual ~HeadKind() = default;

  // True: logits for each token; false: for each row.
  virtual bool per_token() const = 0;

  // The dimension of its input in such a model.
  virtual int64_t inputs(const HeadSource& source, int64_t hidden, const std::vector<DenseSource>& dense) const = 0;

  // The input of its first layer, [rows or tokens, inputs]. states: [at least tokens, hidden] of the micro-batch.
  virtual at::Tensor input(const HeadSource& source, const at::Tensor& states, const MicroBatch& batch,
                           SentenceVectors& vectors) const = 0;
};

const HeadKind& kind_of(HeadType type);
inline const HeadKind& kind_of(const HeadSource& source) { return kind_of(source.type); }

// Each function returns the only instance of a kind.
const HeadKind& classification_kind();
const HeadKind& token_classification_kind();

}  // namespace sentorch
