// The gradient of the word table. The table is not a leaf of autograd: only the rows that occur in a step have
// gradients (word_rows), which are added up here.
#pragma once
#include "core/training/collective.h"
#include "core/training/forward.h"

namespace sentorch {

class WordGradient {
 public:
  explicit WordGradient(const at::Tensor& table) : table_(table) {}

  // Adds the gradients of one micro-batch.
  void add(const WordRows& rows);
  // Adds up over the members of a group.
  void reduce(Collective& group);
  // [vocabulary, hidden]; undefined before the first add().
  const at::Tensor& dense() const { return dense_; }
  bool empty() const { return !ids_.defined(); }
  // The rows with a gradient, [rows, hidden]; undefined if there are none.
  at::Tensor touched() const;
  // Sets the gradient to zero; if that fails, the buffer is released.
  void clear() noexcept;
  void release() noexcept;

 private:
  at::Tensor table_;
  at::Tensor dense_;
  at::Tensor ids_;  // of the rows with a gradient
};

}  // namespace sentorch
