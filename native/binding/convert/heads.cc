#include "binding/convert/heads.h"

#include "binding/convert/encode.h"
#include "binding/convert/fields.h"
#include "binding/convert/parameters.h"
#include "binding/convert/sources.h"

namespace sentorch::convert {
namespace {

HeadType head_type(const Object& object, const char* name) {
  static const auto& names = *new Names<HeadType>{{"classification", HeadType::kClassification},
                                                  {"token-classification", HeadType::kTokenClassification}};
  return named(names, object, name);
}

}  // namespace

HeadSource head_source(const Napi::Value& value) {
  const Object object = as_object(value, "request");
  const auto as_layers = [](const Napi::Value& layers, const char* name) { return as_list(layers, name, as_linear); };
  return {.name = text(object, "name"),
          .type = head_type(object, "type"),
          .sizes = list(object, "sizes", as_integer),
          .activation = activation(object, "activation"),
          .vectors = pooled(object),
          .inputs = integer(object, "inputs"),
          .layers = optional(object, "layers", as_layers),
          .files = list(object, "files", as_text),
          .seed = integer(object, "seed")};
}

PredictRequest predict_request(const Napi::Value& value) {
  const Object object = as_object(value, "request");
  const auto as_vectors = [](const Napi::Value& v, const char* name) { return vector_request(as_object(v, name)); };
  return {.rows = rows(object),
          .batch_tokens = integer(object, "batchTokens"),
          .heads = list(object, "heads", as_text),
          .embedding = optional(object, "embedding", as_vectors)};
}

Napi::Value predict_result(Napi::Env env, const PredictResult& result) {
  auto object = Object::New(env);
  object.Set("logits", arrays(env, result.logits));
  object.Set("embedding", result.embedding ? encode_result(env, *result.embedding) : env.Null());
  object.Set("nonFiniteRow", static_cast<double>(result.non_finite_row));
  return object;
}

}  // namespace sentorch::convert
