#include "binding/convert/parameters.h"

#include <stdexcept>

#include "binding/convert/fields.h"
#include "binding/convert/sources.h"

namespace sentorch::convert {
namespace {

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
                                                        {"exp_avg_sq", ParameterValue::kExpAvgSq},
                                                        {"kept", ParameterValue::kKept}};
  return as_named(names, value, "value");
}

std::vector<int32_t> indices(const Napi::Value& value) { return as_numbers<int32_t>(value, "parameters"); }

std::vector<std::string> names(const Napi::Value& value) { return as_list(value, "parameters", as_text); }

RestoreRequest restore_request(const Napi::Value& value) {
  const Object object = as_object(value, "request");
  return {list(object, "files", as_text), list(object, "parameters", as_restored), numbers<int32_t>(object, "steps")};
}

WriteRequest write_request(const Napi::Value& value) {
  const Object object = as_object(value, "request");
  return {text(object, "path"), numbers<uint8_t>(object, "header"), list(object, "parts", as_part)};
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

Napi::Value optimizer_steps(Napi::Env env, const std::vector<int32_t>& steps) {
  return typed_array<Napi::Int32Array>(env, steps);
}

Napi::Value arrays(Napi::Env env, const std::vector<std::vector<float>>& values) {
  auto array = Napi::Array::New(env, values.size());
  for (uint32_t i = 0; i < values.size(); i++) array.Set(i, typed_array<Napi::Float32Array>(env, values[i]));
  return array;
}

}  // namespace sentorch::convert
