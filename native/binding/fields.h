// Fields of a request object, read as what binding.d.ts says they are.
#pragma once
#include <napi.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sentorch::convert {

using Napi::Object;

inline Napi::Value field(const Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (value.IsUndefined())
    throw Napi::TypeError::New(object.Env(), std::string("Native request lacks '") + name + "'.");
  return value;
}

inline Object object_field(const Object& object, const char* name) { return field(object, name).As<Object>(); }
inline std::string text(const Object& object, const char* name) { return field(object, name).As<Napi::String>(); }
inline int64_t integer(const Object& object, const char* name) {
  return field(object, name).As<Napi::Number>().Int64Value();
}
inline double number(const Object& object, const char* name) {
  return field(object, name).As<Napi::Number>().DoubleValue();
}
inline bool boolean(const Object& object, const char* name) { return field(object, name).As<Napi::Boolean>(); }

template <typename Item>
auto list(const Object& object, const char* name, Item item) {
  const auto array = field(object, name).As<Napi::Array>();
  std::vector<decltype(item(Napi::Value()))> out;
  out.reserve(array.Length());
  for (uint32_t i = 0; i < array.Length(); i++) out.push_back(item(array.Get(i)));
  return out;
}

template <typename Item>
auto optional(const Object& object, const char* name, Item item) {
  const Napi::Value value = field(object, name);
  return value.IsNull() ? std::nullopt : std::optional(item(value));
}

inline std::string as_text(const Napi::Value& value) { return value.As<Napi::String>(); }

template <typename Enum>
using Names = std::map<std::string, Enum>;

template <typename Enum>
Enum named(const Names<Enum>& names, const Napi::Value& value) {
  const auto found = names.find(value.As<Napi::String>());
  if (found == names.end())
    throw Napi::TypeError::New(value.Env(), "Native request names an unknown value: " + value.ToString().Utf8Value());
  return found->second;
}

// The numbers of a typed array.
template <typename Number, typename Array>
std::vector<Number> numbers(const Napi::Value& value) {
  const auto array = value.As<Array>();
  return {array.Data(), array.Data() + array.ElementLength()};
}

inline std::vector<int32_t> int32_array(const Object& object, const char* name) {
  return numbers<int32_t, Napi::Int32Array>(field(object, name));
}

// Values of another type of number are converted.
template <typename Array, typename Number>
Array typed_array(Napi::Env env, const std::vector<Number>& values) {
  Array array = Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

}  // namespace sentorch::convert
