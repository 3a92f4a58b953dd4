// Computes the sentence vectors of one micro-batch from its token states: pooling, the modules after it, truncation,
// scaling.
#pragma once
#include <functional>
#include <utility>
#include <vector>

#include "core/batch/batch.h"
#include "core/layers/linear.h"
#include "core/layers/plain.h"
#include "core/tensor.h"

namespace sentorch {

// Each distinct vector is computed once, however many heads and objectives use it; steps that two of them share (the
// pooling, the first modules) are also computed once.
class SentenceVectors {
 public:
  // states: [at least tokens, hidden], float32, on the CPU. All arguments must outlive this object.
  static SentenceVectors for_inference(const at::Tensor& states, const MicroBatch& batch,
                                       const std::vector<Linear>& dense);
  // For vectors that are pooled already, [rows, poolings · hidden]: the operations after the pooling.
  static SentenceVectors after_pooling(const at::Tensor& pooled, const std::vector<Linear>& dense);
  // The same in operations that autograd supports.
  static SentenceVectors for_training(const at::Tensor& states, const MicroBatch& batch,
                                      const std::vector<PlainDense>& dense);

  // [rows, dimension], in the order of the micro-batch. Must not be changed.
  at::Tensor of(const VectorRequest& request);

 private:
  struct Operations {
    std::function<at::Tensor(const std::vector<Pooling>& modes, int64_t prompt)> pool;
    std::function<at::Tensor(const at::Tensor& vectors, int64_t module)> dense;
    std::function<at::Tensor(const at::Tensor& vectors)> normalize;
  };

  explicit SentenceVectors(Operations operations) : operations_(std::move(operations)) {}
  // Applies the last operation of the request to the result of the others.
  at::Tensor made(const VectorRequest& request);

  Operations operations_;
  std::vector<std::pair<VectorRequest, at::Tensor>> made_;
};

}  // namespace sentorch
