#include "core/sentence.h"

#include "core/pooling.h"

namespace sentorch {
namespace {

void normalize_rows(const at::Tensor& vectors) {
  float* data = static_cast<float*>(vectors.data_ptr());
  const int64_t size = vectors.size(1);
  for (int64_t i = 0; i < vectors.size(0); i++) normalize(data + i * size, size);
}

at::Tensor pooled(const at::Tensor& states, const MicroBatch& batch, const VectorRequest& request) {
  const int64_t hidden = states.size(1), modes = static_cast<int64_t>(request.pooling.size());
  at::Tensor out = at::empty({batch.size(), modes * hidden}, at::kFloat);
  const float* tokens = static_cast<const float*>(states.data_ptr());
  float* to = static_cast<float*>(out.data_ptr());
  at::parallel_for(0, batch.size(), 32, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      for (int64_t m = 0; m < modes; m++) {
        pool(request.pooling[m], tokens + batch.offsets[i] * hidden, batch.length(i), hidden, request.prompt_tokens,
             to + (i * modes + m) * hidden);
      }
    }
  });
  return out;
}

}  // namespace

at::Tensor sentence_vectors(const at::Tensor& states, const MicroBatch& batch, const VectorRequest& request,
                            const std::vector<DenseModule>& dense) {
  at::Tensor vectors = pooled(states, batch, request);
  for (const PostStep& step : request.steps) {
    if (const int64_t* index = std::get_if<int64_t>(&step)) {
      vectors = dense.at(*index).linear(vectors);
    } else {
      normalize_rows(vectors);
    }
  }
  if (request.truncate_dim > 0) vectors = vectors.narrow(1, 0, request.truncate_dim).contiguous();
  if (request.normalize_last) normalize_rows(vectors);
  return vectors;
}

}  // namespace sentorch
