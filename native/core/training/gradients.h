// The gradients of a step: gathered from autograd, measured, and used up.
#pragma once
#include <vector>

#include "core/training/forward.h"
#include "core/training/optimizer.h"

namespace sentorch {

// A parameter under training.
struct TrainedParameter {
  NamedParameter named;
  bool trainable = false;
  bool clip = false;
  double learning_rate = 0;
  double weight_decay = 0;
  OptimizerState state = {};
};

// The word table is no leaf of autograd: only the rows that a step names have gradients (see word_rows).
class WordGradient {
 public:
  explicit WordGradient(const at::Tensor& table) : table_(table) {}

  // Adds those of one micro-batch.
  void add(const WordRows& rows);
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
