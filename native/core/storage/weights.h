// Reads stored tensors into memory. lib/ has checked their offsets and shapes; the reader checks that the bytes exist.
#pragma once
#include <fstream>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace sentorch {

class WeightReader {
 public:
  WeightReader(const std::vector<std::string>& files, const StopFlag& stop);

  // In the stored type, on the CPU.
  at::Tensor read(const TensorSource& source);

 private:
  const std::vector<std::string>& paths_;
  std::vector<std::ifstream> files_;
  const StopFlag& stop_;
};

}  // namespace sentorch
