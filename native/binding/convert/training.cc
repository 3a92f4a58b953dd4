#include "binding/convert/training.h"

#include "binding/convert/fields.h"
#include "binding/convert/sources.h"

namespace sentorch::convert {
namespace {

HeadObjectiveSource head_objective(const Object& object) {
  static const auto& losses = *new Names<HeadLoss>{{"cross-entropy", HeadLoss::kCrossEntropy}, {"bce", HeadLoss::kBce}};
  return {.head = text(object, "head"),
          .loss = named(losses, object, "loss"),
          .weight = number(object, "weight"),
          .label_smoothing = number(object, "labelSmoothing"),
          .class_weights = optional(object, "classWeights", as_numbers<float>),
          .input_dropout = number(object, "inputDropout"),
          .dropout = number(object, "dropout")};
}

VectorObjectiveSource vector_objective(const Object& object) {
  static const auto& losses = *new Names<VectorLoss>{{"mse", VectorLoss::kMse}, {"cosine", VectorLoss::kCosine}};
  return {text(object, "name"), pooled(object), named(losses, object, "loss"), number(object, "weight")};
}

ObjectiveSource as_objective(const Napi::Value& value, const char* name) {
  using Read = ObjectiveSource (*)(const Object&);
  static const auto& readers =
      *new Names<Read>{{"head", [](const Object& object) -> ObjectiveSource { return head_objective(object); }},
                       {"vectors", [](const Object& object) -> ObjectiveSource { return vector_objective(object); }}};
  const Object object = as_object(value, name);
  return named(readers, object, "type")(object);
}

Targets as_targets(const Napi::Value& value, const char* name) {
  if (value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_float32_array)
    return as_numbers<float>(value, name);
  return as_numbers<int32_t>(value, name);
}

OptimizerSource optimizer(const Object& request, const char* name) {
  static const auto& types =
      *new Names<OptimizerType>{{"adamw", OptimizerType::kAdamW}, {"adam", OptimizerType::kAdam}};
  const Object object = object_field(request, name);
  return {named(types, object, "type"), number(object, "beta1"), number(object, "beta2"), number(object, "eps")};
}

GroupSource as_group(const Napi::Value& value, const char* name) {
  const Object object = as_object(value, name);
  return {list(object, "parameters", as_integer), number(object, "learningRate"), number(object, "weightDecay"),
          boolean(object, "clip")};
}

}  // namespace

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
          .objectives = list(object, "objectives", as_objective),
          .uncertainty = boolean(object, "uncertainty"),
          .cache_bytes = integer(object, "cacheBytes")};
}

std::vector<GroupSource> groups(const Napi::Value& value) { return as_list(value, "groups", as_group); }

CorpusRequest corpus_request(const Napi::Value& value) {
  const Object object = as_object(value, "request");
  return {rows(object), list(object, "targets", as_targets)};
}

TrainRequest train_request(const Napi::Value& value) {
  const Object object = as_object(value, "request");
  return {.order = numbers<int32_t>(object, "order"),
          .batches = numbers<int32_t>(object, "batches"),
          .steps = numbers<int32_t>(object, "steps"),
          .multipliers = numbers<double>(object, "multipliers"),
          .weights = optional(object, "weights", as_numbers<double>),
          .first_step = integer(object, "firstStep"),
          .milliseconds = number(object, "milliseconds"),
          .apply = boolean(object, "apply")};
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
  object.Set("uncertainty", typed_array<Napi::Float64Array>(env, result.uncertainty));
  object.Set("examples", static_cast<double>(result.examples));
  object.Set("tokens", static_cast<double>(result.tokens));
  return object;
}

}  // namespace sentorch::convert
