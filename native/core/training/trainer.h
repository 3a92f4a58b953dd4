// One training run: objectives over a corpus, in given steps. lib/ decides which rows a step has, its learning rate and
// what is frozen.
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
  // `changed` is called before weights change. `group`: the members that train together; null: this trainer alone.
  // Masters, heads and group must outlive the trainer.
  Trainer(const TrainingRequest& request, const Masters& masters, std::vector<Head>& heads, const TokenLimits& limits,
          std::function<void()> changed, Collective* group = nullptr);

  std::vector<ParameterInfo> parameters() const override;
  void set_groups(const std::vector<GroupSource>& groups) override;
  void set_corpus(CorpusRequest request) override;
  TrainResult train(const TrainRequest& request, const StopFlag& stop, const Waiting& waiting) override;
  std::vector<int32_t> optimizer_steps() const override;
  void restore(const RestoreRequest& request, const StopFlag& stop) override;
  void keep(const std::vector<int32_t>& parameters) override;
  void revert() override;

  // The values, or nothing if this run does not have the parameter; zeros if the value was not computed yet.
  std::optional<at::Tensor> find(const ParameterPart& part) const;

 private:
  struct Step;

  // Called before weights change.
  std::function<void()> before_writing();

  // Computes the gradients of one step of the plan.
  void run(const TrainRequest& request, int64_t index, Step& step, const StopFlag& stop);
  void micro_batch(const std::vector<int32_t>& rows, int64_t first_row, int64_t number, Step& step,
                   const StopFlag& stop);
  // [tokens, hidden], on the CPU. Fills `words`, whose gradients are computed by the backward pass.
  at::Tensor states(const MicroBatch& batch, WordRows& words, const Dropout& dropout, const StopFlag& stop);
  at::Tensor frozen_states(const MicroBatch& batch, const StopFlag& stop);
  // The contribution of an objective to the total loss; undefined: none.
  at::Tensor weighted(size_t objective, const ObjectiveLoss& loss, Step& step);
  // The rows order[begin … end), which must exist in the corpus.
  std::vector<int32_t> rows_between(const TrainRequest& request, int64_t begin, int64_t end) const;
  // Whether all members of the group want to run another step.
  bool agreed(bool proceed) const;

  TrainingRequest request_;
  ForwardSettings settings_;
  const Masters& masters_;
  TokenLimits limits_;
  std::function<void()> changed_;
  Collective* group_;
  std::vector<std::unique_ptr<Objective>> objectives_;
  std::vector<at::Tensor> uncertainty_;         // per objective
  std::optional<std::vector<double>> weights_;  // of the current call; empty: those of the objectives
  ParameterSet parameters_;
  Rows corpus_;
  std::vector<Targets> targets_;     // per objective
  std::optional<StateCache> cache_;  // only if the whole encoder is frozen
};

}  // namespace sentorch
