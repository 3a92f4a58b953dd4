#include "binding/sources.h"

#include "binding/fields.h"

namespace sentorch::convert {
namespace {

const Names<StoredType>& stored_types() {
  static const auto& names = *new Names<StoredType>{
      {"F32", StoredType::kFloat32}, {"F16", StoredType::kFloat16}, {"BF16", StoredType::kBFloat16}};
  return names;
}

const Names<Pooling>& poolings() {
  static const auto& names = *new Names<Pooling>{{"cls", Pooling::kCls},
                                                 {"max", Pooling::kMax},
                                                 {"mean", Pooling::kMean},
                                                 {"mean_sqrt_len_tokens", Pooling::kMeanSqrtLen},
                                                 {"weightedmean", Pooling::kWeightedMean},
                                                 {"lasttoken", Pooling::kLastToken}};
  return names;
}

NormSource norm(const Object& object, const char* name) {
  const Object source = object_field(object, name);
  return {tensor(source, "weight"), tensor(source, "bias")};
}

LayerSource layer(const Napi::Value& value) {
  const auto object = value.As<Object>();
  return {linear(object, "query"),           linear(object, "key"),         linear(object, "value"),
          linear(object, "attentionOutput"), norm(object, "attentionNorm"), linear(object, "intermediate"),
          linear(object, "output"),          norm(object, "outputNorm")};
}

PostStep step(const Napi::Value& value) {
  if (value.IsNumber()) return value.As<Napi::Number>().Int64Value();
  return NormalizeStep{};
}

}  // namespace

ComputeType compute_type(const Napi::Value& value) {
  static const auto& names =
      *new Names<ComputeType>{{"float32", ComputeType::kFloat32}, {"bfloat16", ComputeType::kBFloat16}};
  return named(names, value);
}

Activation activation(const Napi::Value& value) {
  static const auto& names = *new Names<Activation>{{"identity", Activation::kIdentity},  {"gelu", Activation::kGelu},
                                                    {"gelu_tanh", Activation::kGeluTanh}, {"relu", Activation::kRelu},
                                                    {"silu", Activation::kSilu},          {"tanh", Activation::kTanh},
                                                    {"sigmoid", Activation::kSigmoid}};
  return named(names, value);
}

TensorSource tensor(const Napi::Value& value) {
  const auto object = value.As<Object>();
  return {text(object, "name"), integer(object, "file"), integer(object, "offset"),
          named(stored_types(), field(object, "dtype")),
          list(object, "shape", [](const Napi::Value& n) { return n.As<Napi::Number>().Int64Value(); })};
}

TensorSource tensor(const Object& object, const char* name) { return tensor(field(object, name)); }

LinearSource linear(const Napi::Value& value) {
  const auto source = value.As<Object>();
  return {tensor(source, "weight"), optional(source, "bias", [](const Napi::Value& v) { return tensor(v); })};
}

LinearSource linear(const Object& object, const char* name) { return linear(field(object, name)); }

EncoderSource encoder(const Object& object) {
  const auto as_tensor = [](const Napi::Value& v) { return tensor(v); };
  return {.hidden_size = integer(object, "hiddenSize"),
          .heads = integer(object, "heads"),
          .intermediate_size = integer(object, "intermediateSize"),
          .layer_norm_eps = number(object, "layerNormEps"),
          .activation = activation(field(object, "activation")),
          .position_padding = integer(object, "positionPadding"),
          .word_embeddings = tensor(object, "wordEmbeddings"),
          .position_embeddings = tensor(object, "positionEmbeddings"),
          .token_type_embeddings = optional(object, "tokenTypeEmbeddings", as_tensor),
          .embedding_norm = norm(object, "embeddingNorm"),
          .layers = list(object, "layers", layer),
          .relative_attention_bias = optional(object, "relativeAttentionBias", as_tensor)};
}

DenseSource dense(const Napi::Value& value) {
  const auto object = value.As<Object>();
  return {linear(object, "linear"), activation(field(object, "activation"))};
}

VectorRequest pooled(const Object& object) {
  return {.pooling = list(object, "pooling", [](const Napi::Value& v) { return named(poolings(), v); }),
          .steps = list(object, "steps", step)};
}

VectorRequest vector_request(const Object& object) {
  VectorRequest request = pooled(object);
  request.prompt_tokens = integer(object, "promptTokens");
  request.truncate_dim = integer(object, "truncateDim");
  request.normalize_last = boolean(object, "normalizeLast");
  return request;
}

Rows rows(const Object& object) { return {int32_array(object, "ids"), int32_array(object, "offsets")}; }

}  // namespace sentorch::convert
