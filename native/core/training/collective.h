// Several processes, or threads, that train one model together: each has rows of its own of every step, and all have
// the same weights after it.
#pragma once
#include "core/tensor.h"

namespace sentorch {

// One member's view of the group. Every member makes the same calls in the same order. Where a member leaves early, by
// an error, whoever made the group must end the others' calls.
class Collective {
 public:
  virtual ~Collective() = default;
  virtual int64_t rank() const = 0;  // 0 … size − 1
  virtual int64_t size() const = 0;
  // Adds up over the members, in place; all of them have the same bits afterwards. Contiguous.
  virtual void sum(at::Tensor& values) = 0;
};

}  // namespace sentorch
