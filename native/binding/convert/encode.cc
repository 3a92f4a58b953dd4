#include "binding/convert/encode.h"

#include <string>

#include "binding/convert/fields.h"
#include "binding/convert/sources.h"

namespace sentorch::convert {
namespace {

const Names<std::optional<KernelSet>>& kernel_sets() {
  static const auto& names = *new Names<std::optional<KernelSet>>{{"auto", std::nullopt},
                                                                  {"portable", KernelSet::kPortable},
                                                                  {"avx2", KernelSet::kAvx2},
                                                                  {"avx512", KernelSet::kAvx512}};
  return names;
}

const char* name_of(KernelSet set) {
  for (const auto& [name, value] : kernel_sets()) {
    if (value == set) return name.c_str();
  }
  return "portable";
}

Napi::Array strings(Napi::Env env, const std::vector<std::string>& values) {
  auto array = Napi::Array::New(env, values.size());
  for (size_t i = 0; i < values.size(); i++) array.Set(static_cast<uint32_t>(i), Napi::String::New(env, values[i]));
  return array;
}

}  // namespace

OpenRequest open_request(const Napi::Value& value) {
  const Object object = as_object(value, "request");
  return {list(object, "libraries", as_text), text(object, "core")};
}

LoadRequest load_request(const Napi::Value& value) {
  const Object object = as_object(value, "request");
  return {.files = list(object, "files", as_text),
          .encoder = encoder(object, "encoder"),
          .dense = list(object, "dense", as_dense),
          .dtype = compute_type(object, "dtype"),
          .device = text(object, "device"),
          .threads = integer(object, "threads"),
          .kernels = named(kernel_sets(), object, "kernels")};
}

EncodeRequest encode_request(const Napi::Value& value) {
  const Object object = as_object(value, "request");
  return {.rows = rows(object), .vectors = vector_request(object), .batch_tokens = integer(object, "batchTokens")};
}

FinishRequest finish_request(const Napi::Value& value) {
  const Object object = as_object(value, "request");
  return {.pooled = numbers<float>(object, "vectors"), .vectors = vector_request(object)};
}

Napi::Value library(Napi::Env env, const LibraryInfo& info) {
  auto object = Object::New(env);
  object.Set("torchVersion", info.torch_version);
  object.Set("cudaDevices", strings(env, info.cuda_devices));
  object.Set("kernels", name_of(info.kernels));
  object.Set("fastBfloat16", info.fast_bfloat16);
  return object;
}

Napi::Value loaded_model(Napi::Env env, const LoadedModel& info) {
  auto object = Object::New(env);
  object.Set("kernels", name_of(info.kernels));
  object.Set("packed", info.packed);
  object.Set("parameters", static_cast<double>(info.parameters));
  object.Set("parameterBytes", static_cast<double>(info.parameter_bytes));
  object.Set("weights", info.weights);
  return object;
}

Napi::Value encode_result(Napi::Env env, const EncodeResult& result) {
  auto object = Object::New(env);
  object.Set("values", typed_array<Napi::Float32Array>(env, result.values));
  object.Set("dimension", static_cast<double>(result.dimension));
  object.Set("nonFiniteRow", static_cast<double>(result.non_finite_row));
  object.Set("weights", result.weights);
  return object;
}

Napi::Value cpu_features(Napi::Env env, const CpuFeatures& features) {
  auto object = Object::New(env);
  object.Set("avx2", features.avx2);
  object.Set("fma", features.fma);
  object.Set("avx512", features.avx512);
  object.Set("avx512Bf16", features.avx512_bf16);
  object.Set("amxBf16", features.amx_bf16);
  return object;
}

}  // namespace sentorch::convert
