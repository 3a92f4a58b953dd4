// What kinds of heads differ in: what they look at, and how labels lie. One file a kind; the registry is kinds.cc.
#pragma once
#include <vector>

#include "core/heads/head.h"
#include "core/pooling/sentence_vectors.h"

namespace sentorch {

class HeadKind {
 public:
  virtual ~HeadKind() = default;

  // Whether there are logits for each token, else for each row.
  virtual bool per_token() const = 0;

  // Numbers that its input has in such a model.
  virtual int64_t inputs(const HeadSource& source, int64_t hidden, const std::vector<DenseSource>& dense) const = 0;

  // What its first layer gets, [rows or tokens, inputs]. states: [at least tokens, hidden] of the micro-batch.
  virtual at::Tensor input(const HeadSource& source, const at::Tensor& states, const MicroBatch& batch,
                           SentenceVectors& vectors) const = 0;
};

const HeadKind& kind_of(HeadType type);
inline const HeadKind& kind_of(const HeadSource& source) { return kind_of(source.type); }

// The one instance of each.
const HeadKind& classification_kind();
const HeadKind& token_classification_kind();

}  // namespace sentorch
