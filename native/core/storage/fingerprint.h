// A 128-bit fingerprint of named tensors, which tells different weights apart. It is fast, and not cryptographic:
// whoever wants two different models with the same fingerprint can construct them.
#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "core/tensor.h"

namespace sentorch {

// The hash of a byte string. Every bit of the input and of the seed changes about half of the bits of the result.
std::array<uint64_t, 2> hash128(const void* data, size_t bytes, uint64_t seed);

// Depends on the names, shapes and values of the tensors, but not on their order, on the type in which the values are
// stored (they are widened to float32, without loss), on their place in files, or on the number of threads.
class Fingerprint {
 public:
  void add(const std::string& name, const at::Tensor& values);
  // 32 hexadecimal digits.
  std::string text() const;

 private:
  // A sum, so that the order of the tensors does not matter.
  std::array<uint64_t, 2> sum_{};
};

}  // namespace sentorch
