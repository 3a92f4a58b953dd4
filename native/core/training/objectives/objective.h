// Training minimises a weighted sum of objectives. Each is a sum over its labelled items, divided by their number in
// the whole step. One file per kind; the registry is make_objective.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/heads/head.h"
#include "core/pooling/sentence_vectors.h"
#include "core/training/dropout.h"

namespace sentorch {

struct Labelled {
  double items = 0;
  double divisor = 0;  // of the sum: the number of items, their class weights, or their numbers
};

struct ObjectiveLoss {
  at::Tensor sum;  // scalar with gradients; undefined if nothing is labelled
  double items = 0;
  double correct = 0;  // items whose highest logit (bce: sign) is correct
};

// The output of the encoder for a micro-batch.
struct BatchStates {
  const MicroBatch& batch;
  at::Tensor states;  // [tokens, hidden], float32, on the CPU
  SentenceVectors vectors;
  Dropout dropout;
};

class Objective {
 public:
  virtual ~Objective() = default;

  virtual double weight() const = 0;
  // The name of its uncertainty parameter.
  virtual const std::string& name() const = 0;
  // The head that it trains; null: none.
  virtual const Head* head() const { return nullptr; }

  // Refuses targets of another type or number, and labels that are out of range.
  virtual void check(const Targets& targets, const Rows& rows) const = 0;
  // The number of labelled items in the given rows of the corpus.
  virtual Labelled count(const Targets& targets, const Rows& corpus, const std::vector<int32_t>& rows) const = 0;
  // `of.batch.rows` are rows of the corpus.
  virtual ObjectiveLoss loss(const Targets& targets, const Rows& corpus, BatchStates& of) const = 0;
};

// What an objective needs to know about the model.
struct ObjectiveContext {
  std::vector<Head>& heads;
  const std::vector<DenseSource>& dense;
  int64_t hidden;
};

// `place`: the index among the objectives of the run, on which its dropout depends.
std::unique_ptr<Objective> make_objective(const ObjectiveSource& source, size_t place, const ObjectiveContext& context);

std::unique_ptr<Objective> make_head_objective(const HeadObjectiveSource& source, size_t place,
                                               const ObjectiveContext& context);
std::unique_ptr<Objective> make_vector_objective(const VectorObjectiveSource& source, const ObjectiveContext& context);

}  // namespace sentorch
