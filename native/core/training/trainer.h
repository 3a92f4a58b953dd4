// One training run: objectives over a corpus, in given steps. Without policy: what a step holds, its rate and what is
// frozen are decided in lib/.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/training/collective.h"
#include "core/training/objectives/objective.h"
#include "core/training/parameter_set.h"
#include "core/training/state_cache.h"

namespace sentorch {

class Trainer final : public Training {
 public:
  // `changed` is called before weights change. `group`: the others that train with this one; null: alone. Masters,
  // heads and group outlive the trainer.
  Trainer(const TrainingRequest& request, const Masters& masters, std::vector<Head>& heads, const TokenLimits& limits,
          std::function<void()> changed, Collective* group = nullptr);

  std::vector<ParameterInfo> parameters() const override;
  void set_groups(const std::vector<GroupSource>& groups) override;
  void set_corpus(CorpusRequest request) override;
  TrainResult train(const TrainRequest& request, const StopFlag& stop, const Waiting& waiting) override;
  std::vector<int32_t> optimizer_steps() const override;
  void restore(const RestoreRequest& request, const StopFlag& stop) override;

  // The numbers, or none where this run has no such parameter; zeros where nothing was made of it yet.
  std::optional<at::Tensor> find(const ParameterPart& part) const;

 private:
  struct Step;

  // Gradients of one step of the plan.
  void run(const TrainRequest& request, int64_t index, Step& step, const StopFlag& stop);
  void micro_batch(const std::vector<int32_t>& rows, int64_t first_row, int64_t number, Step& step,
                   const StopFlag& stop);
  // [tokens, hidden], on the CPU. `words` is filled: its gradients come with the backward pass.
  at::Tensor states(const MicroBatch& batch, WordRows& words, const Dropout& dropout, const StopFlag& stop);
  at::Tensor frozen_states(const MicroBatch& batch, const StopFlag& stop);
  // The part of the total that the loss of an objective is; undefined: none.
  at::Tensor weighted(size_t objective, const ObjectiveLoss& loss, Step& step);
  // The rows order[begin … end), which must be in the corpus.
  std::vector<int32_t> rows_between(const TrainRequest& request, int64_t begin, int64_t end) const;
  // Whether the group, too, goes on with another step.
  bool agreed(bool goes_on) const;

  TrainingRequest request_;
  ForwardSettings settings_;
  const Masters& masters_;
  TokenLimits limits_;
  std::function<void()> changed_;
  Collective* group_;
  std::vector<std::unique_ptr<Objective>> objectives_;
  std::vector<at::Tensor> uncertainty_;  // per objective
  ParameterSet parameters_;
  Rows corpus_;
  std::vector<Targets> targets_;     // per objective
  std::optional<StateCache> cache_;  // while the whole encoder is frozen
};

}  // namespace sentorch
