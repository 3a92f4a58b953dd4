#include "binding/convert_training.h"

#include <stdexcept>

#include "binding/convert.h"
#include "binding/fields.h"
#include "binding/sources.h"

namespace sentorch::convert {
namespace {

HeadType head_type(const Object& object, const char* name) {
  static const auto& names = *new Names<HeadType>{{"classification", HeadType::kClassification},
                                                  {"token-classification", HeadType::kTokenClassification}};
  return named(names, object, name);
}

TaskSource as_task(const Napi::Value& value, const char* name) {
  static const auto& losses = *new Names<Loss>{{"cross-entropy", Loss::kCrossEntropy}, {"bce", Loss::kBce}};
  const Object object = as_object(value, name);
  return {.head = text(object, "head"),
          .loss = named(losses, object, "loss"),
          .weight = number(object, "weight"),
          .label_smoothing = number(object, "labelSmoothing"),
          .class_weights = optional(object, "classWeights", as_numbers<float>),
          .input_dropout = number(object, "inputDropout"),
          .dropout = number(object, "dropout")};
}

TargetSource as_target(const Napi::Value& value, const char* name) {
  static const auto& losses = *new Names<TargetLoss>{{"mse", TargetLoss::kMse}, {"cosine", TargetLoss::kCosine}};
  const Object object = as_object(value, name);
  return {pooled(object), named(losses, object, "loss"), number(object, "weight")};
}

OptimizerSource optimizer(const Object& request, const char* name) {
  static const auto& types = *new Names<bool>{{"adamw", true}, {"adam", false}};
  const Object object = object_field(request, name);
  return {named(types, object, "type"), number(object, "beta1"), number(object, "beta2"), number(object, "eps")};
}

GroupSource as_group(const Napi::Value& value, const char* name) {
  const Object object = as_object(value, name);
  return {list(object, "parameters", as_integer), number(object, "learningRate"), number(object, "weightDecay"),
          boolean(object, "clip")};
}

ParameterPart part_of(const Object& object) {
  return {parameter_value(field(object, "value")), text(object, "parameter")};
}

RestoreRequest::Item as_restored(const Napi::Value& value, const char* name) {
  const Object object = as_object(value, name);
  return {part_of(object), as_tensor(field(object, "source"), "source")};
}

std::variant<ParameterPart, StoredBytes> as_part(const Napi::Value& value, const char* name) {
  const Object object = as_object(value, name);
  if (object.Has("parameter")) return part_of(object);
  return StoredBytes{text(object, "file"), integer(object, "offset"), integer(object, "bytes")};
}

const char* name_of(Part part) {
  switch (part) {
    case Part::kEmbeddings:
      return "embeddings";
    case Part::kLayer:
      return "layer";
    case Part::kRelativeBias:
      return "relative-bias";
    case Part::kDense:
      return "dense";
    case Part::kHead:
      return "head";
    case Part::kUncertainty:
      return "uncertainty";
  }
  throw std::logic_error("A parameter belongs to an unknown part.");
}

}  // namespace

ParameterValue parameter_value(const Napi::Value& value) {
  static const auto& names = *new Names<ParameterValue>{{"value", ParameterValue::kValue},
                                                        {"gradient", ParameterValue::kGradient},
                                                        {"exp_avg", ParameterValue::kExpAvg},
                                                        {"exp_avg_sq", ParameterValue::kExpAvgSq}};
  return as_named(names, value, "value");
}

std::vector<std::string> names(const Napi::Value& value) { return as_list(value, "parameters", as_text); }

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

TrainingRequest training_request(const Napi::Value& value) {
  const Object object = as_object(value, "request");
  return {.files = list(object, "files", as_text),
          .encoder = encoder(object, "encoder"),
          .dense = list(object, "dense", as_dense),
          .hidden_dropout = number(object, "hiddenDropout"),
          .attention_dropout = number(object, "attentionDropout"),
          .attention_output_dropout = number(object, "attentionOutputDropout"),
          .dtype = compute_type(object, "dtype"),
          .seed = integer(object, "seed"),
          .gradient_checkpointing = boolean(object, "gradientCheckpointing"),
          .optimizer = optimizer(object, "optimizer"),
          .max_grad_norm = number(object, "maxGradNorm"),
          .tasks = list(object, "tasks", as_task),
          .targets = list(object, "targets", as_target),
          .uncertainty = boolean(object, "uncertainty"),
          .cache_bytes = integer(object, "cacheBytes")};
}

std::vector<GroupSource> groups(const Napi::Value& value) { return as_list(value, "groups", as_group); }

CorpusRequest corpus_request(const Napi::Value& value) {
  const Object object = as_object(value, "request");
  return {rows(object), list(object, "labels", as_numbers<int32_t>), list(object, "targets", as_numbers<float>)};
}

TrainRequest train_request(const Napi::Value& value) {
  const Object object = as_object(value, "request");
  return {.order = numbers<int32_t>(object, "order"),
          .batches = numbers<int32_t>(object, "batches"),
          .steps = numbers<int32_t>(object, "steps"),
          .multipliers = numbers<double>(object, "multipliers"),
          .first_step = integer(object, "firstStep"),
          .milliseconds = number(object, "milliseconds"),
          .apply = boolean(object, "apply")};
}

RestoreRequest restore_request(const Napi::Value& value) {
  const Object object = as_object(value, "request");
  return {list(object, "files", as_text), list(object, "parameters", as_restored), numbers<int32_t>(object, "steps")};
}

WriteRequest write_request(const Napi::Value& value) {
  const Object object = as_object(value, "request");
  return {text(object, "path"), numbers<uint8_t>(object, "header"), list(object, "parts", as_part)};
}

Napi::Value predict_result(Napi::Env env, const PredictResult& result) {
  auto object = Object::New(env);
  object.Set("logits", arrays(env, result.logits));
  object.Set("embedding", result.embedding ? encode_result(env, *result.embedding) : env.Null());
  object.Set("nonFiniteRow", static_cast<double>(result.non_finite_row));
  return object;
}

Napi::Value training_info(Napi::Env env, const std::vector<ParameterInfo>& parameters) {
  auto array = Napi::Array::New(env, parameters.size());
  for (uint32_t i = 0; i < parameters.size(); i++) {
    const ParameterInfo& parameter = parameters[i];
    auto shape = Napi::Array::New(env, parameter.shape.size());
    for (uint32_t d = 0; d < parameter.shape.size(); d++) shape.Set(d, static_cast<double>(parameter.shape[d]));
    auto object = Object::New(env);
    object.Set("name", parameter.name);
    object.Set("shape", shape);
    object.Set("part", name_of(parameter.part));
    object.Set("index", static_cast<double>(parameter.index));
    object.Set("head", parameter.head);
    array.Set(i, object);
  }
  auto info = Object::New(env);
  info.Set("parameters", array);
  return info;
}

Napi::Value train_result(Napi::Env env, const TrainResult& result) {
  auto object = Object::New(env);
  object.Set("steps", static_cast<double>(result.steps));
  object.Set("skipped", result.skipped);
  object.Set("loss", typed_array<Napi::Float64Array>(env, result.loss));
  object.Set("losses", typed_array<Napi::Float64Array>(env, result.losses));
  object.Set("items", typed_array<Napi::Float64Array>(env, result.items));
  object.Set("correct", typed_array<Napi::Float64Array>(env, result.correct));
  object.Set("gradientNorm", typed_array<Napi::Float64Array>(env, result.gradient_norm));
  object.Set("examples", static_cast<double>(result.examples));
  object.Set("tokens", static_cast<double>(result.tokens));
  return object;
}

Napi::Value optimizer_steps(Napi::Env env, const std::vector<int32_t>& steps) {
  return typed_array<Napi::Int32Array>(env, steps);
}

Napi::Value arrays(Napi::Env env, const std::vector<std::vector<float>>& values) {
  auto array = Napi::Array::New(env, values.size());
  for (uint32_t i = 0; i < values.size(); i++) array.Set(i, typed_array<Napi::Float32Array>(env, values[i]));
  return array;
}

}  // namespace sentorch::convert
