#pragma once
#include <memory>

#include "core/engine.h"
#include "core/operations.h"
#include "core/parameters.h"

namespace sentorch {

class EncoderModel final : public Model {
 public:
  EncoderModel(const LoadRequest& request, const StopFlag& stop);

  LoadedModel info() const override;
  EncodeResult encode(const EncodeRequest& request, const StopFlag& stop) override;

 private:
  void check(const EncodeRequest& request) const;
  // float32 on the CPU, [tokens, hidden].
  at::Tensor states(const MicroBatch& batch, const StopFlag& stop) const;

  KernelSet kernels_;
  Placement placement_;
  int64_t heads_;
  TokenLimits limits_;
  std::unique_ptr<Operations> operations_;
  Parameters parameters_;
};

}  // namespace sentorch
