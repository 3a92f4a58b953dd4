#include "binding/convert_training.h"

#include "binding/convert.h"
#include "binding/fields.h"
#include "binding/sources.h"

namespace sentorch::convert {
namespace {

template <typename Item>
auto items(const Napi::Array& array, Item item) {
  std::vector<decltype(item(Napi::Value()))> out;
  for (uint32_t i = 0; i < array.Length(); i++) out.push_back(item(array.Get(i)));
  return out;
}

int64_t as_integer(const Napi::Value& value) { return value.As<Napi::Number>().Int64Value(); }

std::vector<float> as_floats(const Napi::Value& value) { return numbers<float, Napi::Float32Array>(value); }

HeadType head_type(const Napi::Value& value) {
  static const auto& names = *new Names<HeadType>{{"classification", HeadType::kClassification},
                                                  {"token-classification", HeadType::kTokenClassification}};
  return named(names, value);
}

TaskSource task(const Napi::Value& value) {
  static const auto& losses = *new Names<Loss>{{"cross-entropy", Loss::kCrossEntropy}, {"bce", Loss::kBce}};
  const auto object = value.As<Object>();
  return {.head = text(object, "head"),
          .loss = named(losses, field(object, "loss")),
          .weight = number(object, "weight"),
          .label_smoothing = number(object, "labelSmoothing"),
          .class_weights = optional(object, "classWeights", as_floats),
          .input_dropout = number(object, "inputDropout"),
          .dropout = number(object, "dropout")};
}

TargetSource target(const Napi::Value& value) {
  static const auto& losses = *new Names<TargetLoss>{{"mse", TargetLoss::kMse}, {"cosine", TargetLoss::kCosine}};
  const auto object = value.As<Object>();
  return {pooled(object), named(losses, field(object, "loss")), number(object, "weight")};
}

OptimizerSource optimizer(const Object& object) {
  static const auto& types = *new Names<bool>{{"adamw", true}, {"adam", false}};
  return {named(types, field(object, "type")), number(object, "beta1"), number(object, "beta2"), number(object, "eps")};
}

GroupSource group(const Napi::Value& value) {
  const auto object = value.As<Object>();
  return {list(object, "parameters", as_integer), number(object, "learningRate"), number(object, "weightDecay"),
          boolean(object, "clip")};
}

RestoreRequest::Item restored(const Napi::Value& value) {
  const auto object = value.As<Object>();
  return {{parameter_value(field(object, "value")), text(object, "parameter")}, tensor(object, "source")};
}

std::variant<ParameterPart, StoredBytes> write_part(const Napi::Value& value) {
  const auto object = value.As<Object>();
  if (object.Has("parameter")) return ParameterPart{parameter_value(field(object, "value")), text(object, "parameter")};
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
    default:
      return "uncertainty";
  }
}

}  // namespace

ParameterValue parameter_value(const Napi::Value& value) {
  static const auto& names = *new Names<ParameterValue>{{"value", ParameterValue::kValue},
                                                        {"gradient", ParameterValue::kGradient},
                                                        {"exp_avg", ParameterValue::kExpAvg},
                                                        {"exp_avg_sq", ParameterValue::kExpAvgSq}};
  return named(names, value);
}

std::vector<std::string> names(const Napi::Array& array) { return items(array, as_text); }

HeadSource head_source(const Object& object) {
  return {.name = text(object, "name"),
          .type = head_type(field(object, "type")),
          .sizes = list(object, "sizes", as_integer),
          .activation = activation(field(object, "activation")),
          .vectors = pooled(object),
          .inputs = integer(object, "inputs"),
          .layers = optional(object, "layers",
                             [](const Napi::Value& layers) {
                               return items(layers.As<Napi::Array>(),
                                            [](const Napi::Value& layer) { return linear(layer); });
                             }),
          .files = list(object, "files", as_text),
          .seed = integer(object, "seed")};
}

PredictRequest predict_request(const Object& object) {
  return {.rows = rows(object),
          .batch_tokens = integer(object, "batchTokens"),
          .heads = list(object, "heads", as_text),
          .embedding = optional(object, "embedding",
                                [](const Napi::Value& value) { return vector_request(value.As<Object>()); })};
}

TrainingRequest training_request(const Object& object) {
  return {.files = list(object, "files", as_text),
          .encoder = encoder(object_field(object, "encoder")),
          .dense = list(object, "dense", dense),
          .hidden_dropout = number(object, "hiddenDropout"),
          .attention_dropout = number(object, "attentionDropout"),
          .attention_output_dropout = number(object, "attentionOutputDropout"),
          .dtype = compute_type(field(object, "dtype")),
          .seed = integer(object, "seed"),
          .gradient_checkpointing = boolean(object, "gradientCheckpointing"),
          .optimizer = optimizer(object_field(object, "optimizer")),
          .max_grad_norm = number(object, "maxGradNorm"),
          .tasks = list(object, "tasks", task),
          .targets = list(object, "targets", target),
          .uncertainty = boolean(object, "uncertainty"),
          .cache_bytes = integer(object, "cacheBytes")};
}

std::vector<GroupSource> groups(const Napi::Array& array) { return items(array, group); }

CorpusRequest corpus_request(const Object& object) {
  return {rows(object), list(object, "labels", numbers<int32_t, Napi::Int32Array>), list(object, "targets", as_floats)};
}

TrainRequest train_request(const Object& object) {
  return {.order = int32_array(object, "order"),
          .batches = int32_array(object, "batches"),
          .steps = int32_array(object, "steps"),
          .multipliers = numbers<double, Napi::Float64Array>(field(object, "multipliers")),
          .first_step = integer(object, "firstStep"),
          .milliseconds = number(object, "milliseconds"),
          .apply = boolean(object, "apply")};
}

RestoreRequest restore_request(const Object& object) {
  return {list(object, "files", as_text), list(object, "parameters", restored), int32_array(object, "steps")};
}

WriteRequest write_request(const Object& object) {
  return {text(object, "path"), numbers<uint8_t, Napi::Uint8Array>(field(object, "header")),
          list(object, "parts", write_part)};
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
