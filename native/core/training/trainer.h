// One training run: parameters, their groups and optimizer state, the corpus, and steps over it. Without policy: what
// a step holds, its rate and what is frozen are decided in lib/.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/training/corpus.h"
#include "core/training/gradients.h"
#include "core/training/state_cache.h"

namespace sentorch {

class Trainer final : public Training {
 public:
  // `changed` is called before weights change. Masters and heads outlive the trainer.
  Trainer(const TrainingRequest& request, const Masters& masters, std::vector<Head>& heads, const TokenLimits& limits,
          std::function<void()> changed);
  ~Trainer() override;

  std::vector<ParameterInfo> parameters() const override;
  void set_groups(const std::vector<GroupSource>& groups) override;
  void set_corpus(CorpusRequest request) override;
  TrainResult train(const TrainRequest& request, const StopFlag& stop, const Waiting& waiting) override;
  std::vector<int32_t> optimizer_steps() const override;
  void restore(const RestoreRequest& request, const StopFlag& stop) override;

  // The numbers, or null where this run has no such parameter; zeros where nothing was made of it yet.
  std::optional<at::Tensor> find(const ParameterPart& part) const;

 private:
  struct Step;

  void run(const TrainRequest& request, int64_t index, Step& step, const StopFlag& stop);
  void micro_batch(const std::vector<int32_t>& rows, const Dropout& dropout, Step& step, const StopFlag& stop);
  // [tokens, hidden], on the CPU. `words` is filled: its gradients come with the backward pass.
  at::Tensor states(const MicroBatch& batch, WordRows& words, const Dropout& dropout, const StopFlag& stop);
  at::Tensor frozen_states(const MicroBatch& batch, const StopFlag& stop);
  at::Tensor head_loss(size_t task, const at::Tensor& states, const MicroBatch& batch, const Dropout& dropout,
                       Step& step);
  at::Tensor weighted(size_t term, const at::Tensor& loss, Step& step);
  void measure_gradients(Step& step) const;
  // Whole or not at all: false, and nothing changed, where a number would not be finite afterwards.
  bool apply(const Step& step, double multiplier);
  void drop_gradients() noexcept;
  bool encoder_trains() const;
  at::Tensor gradient_of(size_t parameter) const;

  TrainingRequest request_;
  ForwardSettings settings_;
  const Masters& masters_;
  TokenLimits limits_;
  std::function<void()> changed_;
  std::vector<Activation> dense_activations_;
  std::vector<Task> tasks_;
  std::vector<at::Tensor> uncertainty_;  // per task and target
  std::vector<TrainedParameter> parameters_;
  WordGradient word_;
  Corpus corpus_;
  std::optional<StateCache> cache_;  // while the whole encoder is frozen
};

}  // namespace sentorch
