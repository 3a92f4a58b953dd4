// The gradient of the word table. The table is not a leaf of autograd: only the rows that a step names have gradients
// (word_rows), and they are added up here.
#pragma once
#include "core/training/collective.h"
#include "core/training/forward.h"

namespace sentorch {

class WordGradient {
 public:
  explicit WordGradient(const at::Tensor& table) : table_(table) {}

  // Adds those of one micro-batch.
  void add(const WordRows& rows);
  // Adds up over the members of a group.
  void reduce(Collective& group);
  // [vocabulary, hidden]; undefined before the first add().
  const at::Tensor& dense() const { return dense_; }
  bool empty() const { return !ids_.defined(); }
  // Those rows that hold something, [rows, hidden]; undefined where none does.
  at::Tensor touched() const;
  // Zeros again; where that fails, the buffer is given up, to be made anew.
  void clear() noexcept;
  void release() noexcept;

 private:
  at::Tensor table_;
  at::Tensor dense_;
  at::Tensor ids_;  // of the rows that hold something
};

}  // namespace sentorch
