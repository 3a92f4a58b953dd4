// Several processes or threads that train one model together: each computes some rows of every step, and all have the
// same weights after it.
#pragma once
#include "core/tensor.h"

namespace sentorch {

// The group from the view of one member. All members must make the same calls in the same order. If a member stops
// because of an error, the owner of the group must end the calls of the others.
class Collective {
 public:
  virtual ~Collective() = default;
  virtual int64_t rank() const = 0;  // 0 … size − 1
  virtual int64_t size() const = 0;
  // Adds up a contiguous tensor over the members, in place; afterwards all of them have the same bits.
  virtual void sum(at::Tensor& values) = 0;
};

}  // namespace sentorch
