#include "core/layers/parameters.h"

#include "core/layers/relative_bias.h"

namespace sentorch {
namespace {

class ParameterMaker {
 public:
  ParameterMaker(const EncoderSource& encoder, const Placement& placement, const TensorLookup& lookup)
      : encoder_(encoder), placement_(placement), lookup_(lookup) {}

  Parameters make(const std::vector<DenseSource>& dense) {
    const EncoderSource& source = encoder_;
    out_.embeddings.word = states(source.word_embeddings);
    out_.embeddings.position = states(source.position_embeddings);
    if (source.token_type_embeddings)
      out_.embeddings.type = states(*source.token_type_embeddings).select(0, 0).contiguous();
    out_.embeddings.norm = norm(source.embedding_norm);
    for (const LayerSource& l : source.layers) out_.layers.push_back(layer(l));
    if (source.relative_attention_bias) out_.relative_bias = relative_bias(*source.relative_attention_bias);
    for (size_t i = 0; i < dense.size(); i++) {
      const LinearSource& linear = dense[i].linear;
      at::Tensor weight = float32(dense_name(i, "weight"), linear.weight);
      at::Tensor bias = linear.bias ? float32(dense_name(i, "bias"), *linear.bias) : at::Tensor();
      out_.dense.emplace_back(std::move(weight), std::move(bias), dense[i].activation, false);
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
    return counted(lookup_(source.name, source).to(placement_.device, placement_.type));
  }

  at::Tensor float32(const std::string& name, const TensorSource& source) {
    return counted(lookup_(name, source).to(at::kFloat));
  }

  at::Tensor float32(const TensorSource& source) { return float32(source.name, source); }

  Norm norm(const NormSource& source) {
    return {float32(source.weight).to(placement_.device), float32(source.bias).to(placement_.device),
            encoder_.layer_norm_eps};
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
            linear(source.intermediate, encoder_.activation),
            linear(source.output, Activation::kIdentity),
            norm(source.output_norm)};
  }

  RelativeBias relative_bias(const TensorSource& source) {
    const at::Tensor table = float32(source);  // [buckets, heads]
    const int64_t span = encoder_.position_embeddings.shape[0];
    const at::Tensor bucket = distance_buckets(span, table.size(0));
    return {table.index_select(0, bucket.to(table.device())).t().contiguous().to(placement_.device), span};
  }

  const EncoderSource& encoder_;
  const Placement& placement_;
  const TensorLookup& lookup_;
  Parameters out_;
};

}  // namespace

Parameters make_parameters(const EncoderSource& encoder, const std::vector<DenseSource>& dense,
                           const Placement& placement, const TensorLookup& lookup) {
  return ParameterMaker(encoder, placement, lookup).make(dense);
}

std::string dense_name(size_t index, const char* part) { return "dense." + std::to_string(index) + "." + part; }

}  // namespace sentorch
