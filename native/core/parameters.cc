#include "core/parameters.h"

#include <ATen/ops/abs.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/log.h>
#include <ATen/ops/where.h>

#include <cmath>

namespace sentorch {
namespace {

class ParameterReader {
 public:
  ParameterReader(const LoadRequest& request, const Placement& placement, const StopFlag& stop)
      : request_(request), placement_(placement), files_(request.files, stop) {}

  Parameters read() {
    const EncoderSource& source = request_.encoder;
    out_.embeddings.word = states(source.word_embeddings);
    out_.embeddings.position = states(source.position_embeddings);
    if (source.token_type_embeddings)
      out_.embeddings.type = states(*source.token_type_embeddings).select(0, 0).contiguous();
    out_.embeddings.norm = norm(source.embedding_norm);
    for (const LayerSource& l : source.layers) out_.layers.push_back(layer(l));
    if (source.relative_attention_bias) out_.relative_bias = relative_bias(*source.relative_attention_bias);
    for (const DenseSource& d : request_.dense) {
      at::Tensor weight = float32(d.linear.weight), bias = d.linear.bias ? float32(*d.linear.bias) : at::Tensor();
      out_.dense.push_back({Linear(std::move(weight), std::move(bias), d.activation, false)});
    }
    return std::move(out_);
  }

 private:
  at::Tensor counted(at::Tensor tensor) {
    out_.count += tensor.numel();
    out_.bytes += static_cast<int64_t>(tensor.nbytes());
    return tensor;
  }

  // In the type of the computation, on its device.
  at::Tensor states(const TensorSource& source) {
    return counted(files_.read(source).to(placement_.device, placement_.type));
  }

  at::Tensor float32(const TensorSource& source) { return counted(files_.read(source).to(at::kFloat)); }

  Norm norm(const NormSource& source) {
    return {float32(source.weight).to(placement_.device), float32(source.bias).to(placement_.device),
            request_.encoder.layer_norm_eps};
  }

  at::Tensor bias(const LinearSource& source) { return source.bias ? states(*source.bias) : at::Tensor(); }

  Linear linear(const LinearSource& source, Activation activation) {
    at::Tensor weight = states(source.weight);
    return Linear(std::move(weight), bias(source), activation, placement_.pack);
  }

  Linear side_by_side(const LinearSource& query, const LinearSource& key, const LinearSource& value) {
    at::Tensor weight = at::cat({states(query.weight), states(key.weight), states(value.weight)});
    at::Tensor bias_of_all = query.bias ? at::cat({bias(query), bias(key), bias(value)}) : at::Tensor();
    return Linear(std::move(weight), std::move(bias_of_all), Activation::kIdentity, placement_.pack);
  }

  Layer layer(const LayerSource& source) {
    return {side_by_side(source.query, source.key, source.value),
            linear(source.attention_output, Activation::kIdentity),
            norm(source.attention_norm),
            linear(source.intermediate, request_.encoder.activation),
            linear(source.output, Activation::kIdentity),
            norm(source.output_norm)};
  }

  // MPNet's buckets of distances (T5's, in both directions): near ones have a bucket each, far ones share them by
  // logarithm up to 128. Computed with tensors because a bucket's edge depends on how float32 rounds the logarithm.
  RelativeBias relative_bias(const TensorSource& source) {
    constexpr double kFarthest = 128;
    const at::Tensor table = float32(source);  // [buckets, heads]
    const int64_t span = request_.encoder.position_embeddings.shape[0];
    const int64_t half = table.size(0) / 2, exact = half / 2;
    const at::Tensor distance = at::arange(1 - span, span, at::kLong);  // key − query
    const at::Tensor far = distance.abs();
    const at::Tensor scaled = at::log(far.to(at::kFloat) / exact) / std::log(kFarthest / exact) * (half - exact);
    const at::Tensor shared = (exact + scaled.clamp_min(0).to(at::kLong)).clamp_max(half - 1);
    const at::Tensor bucket = (distance > 0).to(at::kLong) * half + at::where(far < exact, far, shared);
    return {table.index_select(0, bucket).t().contiguous().to(placement_.device), span};
  }

  const LoadRequest& request_;
  const Placement& placement_;
  WeightReader files_;
  Parameters out_;
};

}  // namespace

Parameters read_parameters(const LoadRequest& request, const Placement& placement, const StopFlag& stop) {
  return ParameterReader(request, placement, stop).read();
}

}  // namespace sentorch
