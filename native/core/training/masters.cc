#include "core/training/masters.h"

#include "core/layers/parameters.h"

namespace sentorch {
namespace {

class MastersReader {
 public:
  MastersReader(const std::vector<std::string>& files, const at::Device& device, const StopFlag& stop)
      : files_(files, stop), device_(device) {}

  Masters read(const EncoderSource& source, const std::vector<DenseSource>& dense) {
    Masters out;
    out.word = read(source.word_embeddings);
    out.position = read(source.position_embeddings);
    if (source.token_type_embeddings) out.type = read(*source.token_type_embeddings);
    out.embedding_norm = norm(source.embedding_norm);
    for (const LayerSource& l : source.layers) {
      out.layers.push_back({linear(l.query), linear(l.key), linear(l.value), linear(l.attention_output),
                            norm(l.attention_norm), linear(l.intermediate), linear(l.output), norm(l.output_norm)});
    }
    if (source.relative_attention_bias) out.relative_bias = read(*source.relative_attention_bias);
    for (size_t i = 0; i < dense.size(); i++) {
      const LinearSource& l = dense[i].linear;
      PlainLinear module{read(dense_name(i, "weight"), l.weight, at::kCPU), {}};
      if (l.bias) module.bias = read(dense_name(i, "bias"), *l.bias, at::kCPU);
      out.dense.push_back({std::move(module), dense[i].activation});
    }
    return out;
  }

 private:
  Parameter read(const std::string& name, const TensorSource& source, const at::Device& device) {
    return {name, files_.read(source).to(device, at::kFloat)};
  }

  Parameter read(const TensorSource& source) { return read(source.name, source, device_); }

  PlainLinear linear(const LinearSource& source) {
    Parameter weight = read(source.weight);
    return {std::move(weight), source.bias ? read(*source.bias) : Parameter()};
  }

  PlainNorm norm(const NormSource& source) {
    Parameter weight = read(source.weight);
    return {std::move(weight), read(source.bias)};
  }

  WeightReader files_;
  at::Device device_;
};

// Calls the visitor for each parameter, with the part of the model to which it belongs.
class Owner {
 public:
  Owner(const OwnedVisitor& visitor, Part part, int64_t index = -1, std::string head = "")
      : visitor_(visitor), part_(part), index_(index), head_(std::move(head)) {}

  void operator()(const Parameter& parameter) const {
    visitor_({parameter.name, parameter.value.sizes().vec(), part_, index_, head_}, parameter.value);
  }

 private:
  const OwnedVisitor& visitor_;
  Part part_;
  int64_t index_;
  std::string head_;
};

}  // namespace

Masters read_masters(const EncoderSource& encoder, const std::vector<DenseSource>& dense,
                     const std::vector<std::string>& files, const at::Device& device, const StopFlag& stop) {
  return MastersReader(files, device, stop).read(encoder, dense);
}

void visit(const Masters& masters, const OwnedVisitor& visitor) {
  const Owner embeddings(visitor, Part::kEmbeddings);
  for (const Parameter* each : {&masters.word, &masters.position, &masters.type}) visit(*each, embeddings);
  visit(masters.embedding_norm, embeddings);
  for (size_t i = 0; i < masters.layers.size(); i++)
    visit(masters.layers[i], Owner(visitor, Part::kLayer, static_cast<int64_t>(i)));
  visit(masters.relative_bias, Owner(visitor, Part::kRelativeBias));
  for (size_t i = 0; i < masters.dense.size(); i++)
    visit(masters.dense[i].linear, Owner(visitor, Part::kDense, static_cast<int64_t>(i)));
}

void visit(const Head& head, const OwnedVisitor& visitor) {
  visit(head, ParameterVisitor(Owner(visitor, Part::kHead, -1, head.source.name)));
}

}  // namespace sentorch
