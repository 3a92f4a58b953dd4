#include "core/pooling/sentence_vectors.h"

#include <ATen/ops/linalg_vector_norm.h>

#include "core/pooling/pooling.h"

namespace sentorch {
namespace {

at::Tensor pooled(const at::Tensor& states, const MicroBatch& batch, const std::vector<Pooling>& modes,
                  int64_t prompt) {
  const int64_t hidden = states.size(1), width = static_cast<int64_t>(modes.size()) * hidden;
  at::Tensor out = at::empty({batch.size(), width}, at::kFloat);
  const float* tokens = static_cast<const float*>(states.data_ptr());
  float* to = static_cast<float*>(out.data_ptr());
  at::parallel_for(0, batch.size(), 32, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      float* row = to + i * width;
      for (Pooling mode : modes) {
        pooling_mode(mode).pool(tokens + batch.offsets[i] * hidden, batch.length(i), hidden, prompt, row);
        row += hidden;
      }
    }
  });
  return out;
}

at::Tensor normalized(const at::Tensor& vectors) {
  at::Tensor out = vectors.clone();
  float* data = static_cast<float*>(out.data_ptr());
  const int64_t size = out.size(1);
  for (int64_t i = 0; i < out.size(0); i++) normalize(data + i * size, size);
  return out;
}

}  // namespace

SentenceVectors SentenceVectors::for_inference(const at::Tensor& states, const MicroBatch& batch,
                                               const std::vector<Linear>& dense) {
  return SentenceVectors(
      {.pool = [&](const std::vector<Pooling>& modes, int64_t prompt) { return pooled(states, batch, modes, prompt); },
       .dense = [&](const at::Tensor& vectors, int64_t module) { return dense.at(module)(vectors); },
       .normalize = normalized});
}

SentenceVectors SentenceVectors::after_pooling(const at::Tensor& pooled, const std::vector<Linear>& dense) {
  return SentenceVectors({.pool = [&](const std::vector<Pooling>&, int64_t) { return pooled; },
                          .dense = [&](const at::Tensor& vectors, int64_t module) { return dense.at(module)(vectors); },
                          .normalize = normalized});
}

SentenceVectors SentenceVectors::for_training(const at::Tensor& states, const MicroBatch& batch,
                                              const std::vector<PlainDense>& dense) {
  return SentenceVectors({.pool =
                              [&](const std::vector<Pooling>& modes, int64_t) {
                                std::vector<at::Tensor> parts;
                                for (Pooling mode : modes) parts.push_back(pooling_mode(mode).train(states, batch));
                                return parts.size() == 1 ? parts[0] : at::cat(parts, 1);
                              },
                          .dense = [&](const at::Tensor& vectors, int64_t module) { return dense.at(module)(vectors); },
                          .normalize =
                              [](const at::Tensor& vectors) {
                                return vectors / at::linalg_vector_norm(vectors, 2, {1}, true).clamp_min(1e-12);
                              }});
}

at::Tensor SentenceVectors::of(const VectorRequest& request) {
  for (const auto& [known, vectors] : made_) {
    if (known == request) return vectors;
  }
  at::Tensor vectors = made(request);
  made_.emplace_back(request, vectors);
  return vectors;
}

at::Tensor SentenceVectors::made(const VectorRequest& request) {
  VectorRequest before = request;
  if (request.normalize_last) {
    before.normalize_last = false;
    return operations_.normalize(of(before));
  }
  if (request.truncate_dim > 0) {
    before.truncate_dim = 0;
    return of(before).narrow(1, 0, request.truncate_dim).contiguous();
  }
  if (request.steps.empty()) return operations_.pool(request.pooling, request.prompt_tokens);
  before.steps.pop_back();
  const at::Tensor vectors = of(before);
  const int64_t* module = std::get_if<int64_t>(&request.steps.back());
  return module ? operations_.dense(vectors, *module) : operations_.normalize(vectors);
}

}  // namespace sentorch
