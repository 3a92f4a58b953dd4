#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "core/heads/head.h"
#include "core/layers/operations.h"
#include "core/layers/parameters.h"
#include "core/training/trainer.h"
#include "engine/engine.h"

namespace sentorch {

class EncoderModel final : public Model {
 public:
  EncoderModel(const LoadRequest& request, const StopFlag& stop);

  LoadedModel info() const override;
  std::string weights() override;
  EncodeResult encode(const EncodeRequest& request, const StopFlag& stop) override;
  EncodeResult finish(const FinishRequest& request, const StopFlag& stop) override;

  void add_head(const HeadSource& source, const StopFlag& stop) override;
  void remove_head(const std::string& name) override;
  void extend_head(const std::string& name, int64_t count, int64_t seed) override;
  PredictResult predict(const PredictRequest& request, const StopFlag& stop) override;

  Training& start_training(const TrainingRequest& request, const StopFlag& stop) override;
  Training& training() override;
  void end_training() override;

  std::vector<std::vector<float>> read(ParameterValue value, const std::vector<std::string>& names) override;
  void write(const WriteRequest& request, const StopFlag& stop) override;

 private:
  // For inference; created again from the masters after training has changed them.
  const Parameters& parameters();
  // float32 on the CPU, [tokens, hidden].
  at::Tensor states(const MicroBatch& batch, const StopFlag& stop);
  at::Tensor find(const ParameterPart& part);
  const std::string& fingerprint();

  EncoderSource source_;
  std::vector<DenseSource> dense_;
  KernelSet kernels_;
  Placement placement_;
  TokenLimits limits_;
  std::unique_ptr<Operations> operations_;
  LoadedModel info_;
  std::vector<Head> heads_;
  std::optional<Masters> masters_;          // set by the first training
  std::optional<Parameters> parameters_;    // none: to be created from the masters
  std::optional<std::string> fingerprint_;  // of the encoder and Dense modules; none: to be computed from the masters
  std::unique_ptr<Trainer> trainer_;        // refers to the masters and the heads
};

}  // namespace sentorch
