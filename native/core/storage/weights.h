// Stored tensors to tensors in memory. Where they lie and what shape they have was checked by lib/; that the bytes are
// there is checked here.
#pragma once
#include <fstream>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace sentorch {

class WeightReader {
 public:
  WeightReader(const std::vector<std::string>& files, const StopFlag& stop);

  // As stored, on the CPU.
  at::Tensor read(const TensorSource& source);

 private:
  const std::vector<std::string>& paths_;
  std::vector<std::ifstream> files_;
  const StopFlag& stop_;
};

}  // namespace sentorch
