#include "core/training/masters.h"

#include "core/parameters.h"

namespace sentorch {
namespace {

class MastersReader {
 public:
  MastersReader(const std::vector<std::string>& files, const at::Device& device, const StopFlag& stop)
      : files_(files, stop), device_(device) {}

  Masters read(const EncoderSource& source, const std::vector<DenseSource>& dense) {
    part_ = Part::kEmbeddings;
    out_.word = take(source.word_embeddings);
    out_.position = take(source.position_embeddings);
    if (source.token_type_embeddings) out_.type = take(*source.token_type_embeddings);
    out_.embedding_norm = norm(source.embedding_norm);
    part_ = Part::kLayer;
    for (const LayerSource& l : source.layers) {
      index_ = static_cast<int64_t>(out_.layers.size());
      out_.layers.push_back({linear(l.query), linear(l.key), linear(l.value), linear(l.attention_output),
                             norm(l.attention_norm), linear(l.intermediate), linear(l.output), norm(l.output_norm)});
    }
    index_ = -1;
    part_ = Part::kRelativeBias;
    if (source.relative_attention_bias) out_.relative_bias = take(*source.relative_attention_bias);
    part_ = Part::kDense;
    for (size_t i = 0; i < dense.size(); i++) {
      index_ = static_cast<int64_t>(i);
      const LinearSource& l = dense[i].linear;
      out_.dense.push_back({keep(dense_name(i, "weight"), l.weight, at::kCPU),
                            l.bias ? keep(dense_name(i, "bias"), *l.bias, at::kCPU) : at::Tensor()});
    }
    return std::move(out_);
  }

 private:
  at::Tensor keep(const std::string& name, const TensorSource& source, const at::Device& device) {
    at::Tensor value = files_.read(source).to(device, at::kFloat);
    out_.place[name] = out_.named.size();
    out_.named.push_back({{name, source.shape, part_, index_, ""}, value});
    return value;
  }

  at::Tensor take(const TensorSource& source) { return keep(source.name, source, device_); }

  PlainLinear linear(const LinearSource& source) {
    at::Tensor weight = take(source.weight);
    return {weight, source.bias ? take(*source.bias) : at::Tensor()};
  }

  PlainNorm norm(const NormSource& source) {
    at::Tensor weight = take(source.weight);
    return {weight, take(source.bias)};
  }

  WeightReader files_;
  at::Device device_;
  Part part_ = Part::kEmbeddings;
  int64_t index_ = -1;
  Masters out_;
};

}  // namespace

Masters read_masters(const EncoderSource& encoder, const std::vector<DenseSource>& dense,
                     const std::vector<std::string>& files, const at::Device& device, const StopFlag& stop) {
  return MastersReader(files, device, stop).read(encoder, dense);
}

std::vector<NamedParameter> named_parameters(const Head& head) {
  std::vector<NamedParameter> out;
  for (size_t i = 0; i < head.layers.size(); i++) {
    const auto add = [&](const char* part, const at::Tensor& value) {
      out.push_back(
          {{head_parameter(head.source.name, i, part), value.sizes().vec(), Part::kHead, -1, head.source.name}, value});
    };
    add("weight", head.layers[i].weight);
    add("bias", head.layers[i].bias);
  }
  return out;
}

}  // namespace sentorch
