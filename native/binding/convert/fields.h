// Reads the fields of a request object as the types that binding.d.ts declares. A value of another type is refused
// (ERR_INTERNAL), because Node-API would read memory as if the value had the expected type.
#pragma once
#include <napi.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "binding/runtime/coded_error.h"

namespace sentorch::convert {

using Napi::Object;

[[noreturn]] inline void refuse(const Napi::Value& value, const char* name, const char* expected) {
  throw coded_error(value.Env(), "ERR_INTERNAL",
                    std::string("Native request: '") + name + "' must be " + expected + ".");
}

inline Object as_object(const Napi::Value& value, const char* name) {
  if (!value.IsObject()) refuse(value, name, "an object");
  return value.As<Object>();
}

inline std::string as_text(const Napi::Value& value, const char* name) {
  if (!value.IsString()) refuse(value, name, "a string");
  return value.As<Napi::String>();
}

inline double as_number(const Napi::Value& value, const char* name) {
  if (!value.IsNumber()) refuse(value, name, "a number");
  return value.As<Napi::Number>().DoubleValue();
}

inline int64_t as_integer(const Napi::Value& value, const char* name) {
  constexpr double kLargest = 9007199254740991;  // Number.MAX_SAFE_INTEGER
  const double number = as_number(value, name);
  if (std::trunc(number) != number || std::abs(number) > kLargest) refuse(value, name, "a safe integer");
  return static_cast<int64_t>(number);
}

inline bool as_boolean(const Napi::Value& value, const char* name) {
  if (!value.IsBoolean()) refuse(value, name, "true or false");
  return value.As<Napi::Boolean>();
}

// The numbers of a typed array, which must have exactly this type.
template <typename Number>
std::vector<Number> as_numbers(const Napi::Value& value, const char* name) {
  using Array = Napi::TypedArrayOf<Number>;
  constexpr auto kType = std::is_same_v<Number, int32_t>   ? napi_int32_array
                         : std::is_same_v<Number, float>   ? napi_float32_array
                         : std::is_same_v<Number, double>  ? napi_float64_array
                         : std::is_same_v<Number, uint8_t> ? napi_uint8_array
                                                           : napi_biguint64_array;
  static_assert(kType != napi_biguint64_array, "no request has numbers of this type");
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != kType)
    refuse(value, name, "a typed array of the type that binding.d.ts gives");
  const auto array = value.As<Array>();
  return {array.Data(), array.Data() + array.ElementLength()};
}

// Reads every item of an array with `item(value, name)`.
template <typename Item>
auto as_list(const Napi::Value& value, const char* name, Item item) {
  if (!value.IsArray()) refuse(value, name, "an array");
  const auto array = value.As<Napi::Array>();
  std::vector<decltype(item(Napi::Value(), name))> out;
  for (uint32_t i = 0; i < array.Length(); i++) out.push_back(item(array.Get(i), name));
  return out;
}

inline Napi::Value field(const Object& object, const char* name) { return object.Get(name); }

inline Object object_field(const Object& object, const char* name) { return as_object(field(object, name), name); }
inline std::string text(const Object& object, const char* name) { return as_text(field(object, name), name); }
inline int64_t integer(const Object& object, const char* name) { return as_integer(field(object, name), name); }
inline double number(const Object& object, const char* name) { return as_number(field(object, name), name); }
inline bool boolean(const Object& object, const char* name) { return as_boolean(field(object, name), name); }

template <typename Number>
std::vector<Number> numbers(const Object& object, const char* name) {
  return as_numbers<Number>(field(object, name), name);
}

template <typename Item>
auto list(const Object& object, const char* name, Item item) {
  return as_list(field(object, name), name, item);
}

template <typename Item>
auto optional(const Object& object, const char* name, Item item) {
  const Napi::Value value = field(object, name);
  return value.IsNull() ? std::nullopt : std::optional(item(value, name));
}

template <typename Enum>
using Names = std::map<std::string, Enum>;

template <typename Enum>
Enum as_named(const Names<Enum>& names, const Napi::Value& value, const char* name) {
  const auto found = names.find(as_text(value, name));
  if (found == names.end()) refuse(value, name, "one of the names that binding.d.ts gives");
  return found->second;
}

template <typename Enum>
Enum named(const Names<Enum>& names, const Object& object, const char* name) {
  return as_named(names, field(object, name), name);
}

// Converts numbers of another type.
template <typename Array, typename Number>
Array typed_array(Napi::Env env, const std::vector<Number>& values) {
  Array array = Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

}  // namespace sentorch::convert
