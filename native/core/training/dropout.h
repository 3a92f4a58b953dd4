// Dropout whose mask is a function of where it stands, not of what was drawn before: the same seed, step, micro-batch,
// site and element give the same bit on every run, after a resume, and when a layer is computed again.
#pragma once
#include "core/tensor.h"

namespace sentorch {

class Dropout {
 public:
  Dropout(int64_t seed, int64_t step, int64_t batch);
  // Lets everything through.
  static Dropout off();

  // x with each number zeroed with probability p, the others divided by 1 − p. `site`: the place in the network.
  at::Tensor operator()(const at::Tensor& x, double p, uint64_t site) const;

 private:
  Dropout() = default;
  uint64_t key_ = 0;
  bool on_ = false;
};

}  // namespace sentorch
