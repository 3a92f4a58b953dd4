#include "binding/convert/sources.h"

#include "binding/convert/fields.h"

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
  return {as_tensor(field(source, "weight"), "weight"), as_tensor(field(source, "bias"), "bias")};
}

LinearSource linear(const Object& object, const char* name) { return as_linear(field(object, name), name); }

LayerSource as_layer(const Napi::Value& value, const char* name) {
  const Object object = as_object(value, name);
  return {linear(object, "query"),           linear(object, "key"),         linear(object, "value"),
          linear(object, "attentionOutput"), norm(object, "attentionNorm"), linear(object, "intermediate"),
          linear(object, "output"),          norm(object, "outputNorm")};
}

PostStep as_step(const Napi::Value& value, const char* name) {
  static const auto& names = *new Names<PostStep>{{"normalize", NormalizeStep{}}};
  return value.IsNumber() ? PostStep(as_integer(value, name)) : as_named(names, value, name);
}

}  // namespace

ComputeType compute_type(const Object& object, const char* name) {
  static const auto& names =
      *new Names<ComputeType>{{"float32", ComputeType::kFloat32}, {"bfloat16", ComputeType::kBFloat16}};
  return named(names, object, name);
}

Activation activation(const Object& object, const char* name) {
  static const auto& names = *new Names<Activation>{{"identity", Activation::kIdentity},  {"gelu", Activation::kGelu},
                                                    {"gelu_tanh", Activation::kGeluTanh}, {"relu", Activation::kRelu},
                                                    {"silu", Activation::kSilu},          {"tanh", Activation::kTanh},
                                                    {"sigmoid", Activation::kSigmoid}};
  return named(names, object, name);
}

TensorSource as_tensor(const Napi::Value& value, const char* name) {
  const Object object = as_object(value, name);
  return {text(object, "name"), integer(object, "file"), integer(object, "offset"),
          named(stored_types(), object, "dtype"), list(object, "shape", as_integer)};
}

LinearSource as_linear(const Napi::Value& value, const char* name) {
  const Object source = as_object(value, name);
  return {as_tensor(field(source, "weight"), "weight"), optional(source, "bias", as_tensor)};
}

EncoderSource encoder(const Object& request, const char* name) {
  const Object object = object_field(request, name);
  return {.hidden_size = integer(object, "hiddenSize"),
          .heads = integer(object, "heads"),
          .intermediate_size = integer(object, "intermediateSize"),
          .layer_norm_eps = number(object, "layerNormEps"),
          .activation = activation(object, "activation"),
          .position_padding = integer(object, "positionPadding"),
          .word_padding = integer(object, "wordPadding"),
          .word_embeddings = as_tensor(field(object, "wordEmbeddings"), "wordEmbeddings"),
          .position_embeddings = as_tensor(field(object, "positionEmbeddings"), "positionEmbeddings"),
          .token_type_embeddings = optional(object, "tokenTypeEmbeddings", as_tensor),
          .embedding_norm = norm(object, "embeddingNorm"),
          .layers = list(object, "layers", as_layer),
          .relative_attention_bias = optional(object, "relativeAttentionBias", as_tensor)};
}

DenseSource as_dense(const Napi::Value& value, const char* name) {
  const Object object = as_object(value, name);
  return {linear(object, "linear"), activation(object, "activation")};
}

VectorRequest pooled(const Object& object) {
  const auto as_pooling = [](const Napi::Value& value, const char* name) { return as_named(poolings(), value, name); };
  return {.pooling = list(object, "pooling", as_pooling),
          .prompt_tokens = 0,
          .steps = list(object, "steps", as_step),
          .truncate_dim = 0,
          .normalize_last = false};
}

VectorRequest vector_request(const Object& object) {
  VectorRequest request = pooled(object);
  request.prompt_tokens = integer(object, "promptTokens");
  request.truncate_dim = integer(object, "truncateDim");
  request.normalize_last = boolean(object, "normalizeLast");
  return request;
}

Rows rows(const Object& object) { return {numbers<int32_t>(object, "ids"), numbers<int32_t>(object, "offsets")}; }

}  // namespace sentorch::convert
