#include "binding/convert.h"

#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace sentorch::convert {
namespace {

using Napi::Object;

Napi::Value field(const Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (value.IsUndefined())
    throw Napi::TypeError::New(object.Env(), std::string("Native request lacks '") + name + "'.");
  return value;
}

Object object_field(const Object& object, const char* name) { return field(object, name).As<Object>(); }
std::string text(const Object& object, const char* name) { return field(object, name).As<Napi::String>(); }
int64_t integer(const Object& object, const char* name) { return field(object, name).As<Napi::Number>().Int64Value(); }
double number(const Object& object, const char* name) { return field(object, name).As<Napi::Number>().DoubleValue(); }
bool boolean(const Object& object, const char* name) { return field(object, name).As<Napi::Boolean>(); }

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

template <typename Enum>
using Names = std::map<std::string, Enum>;

const Names<StoredType>& stored_types() {
  static const auto& names = *new Names<StoredType>{
      {"F32", StoredType::kFloat32}, {"F16", StoredType::kFloat16}, {"BF16", StoredType::kBFloat16}};
  return names;
}

const Names<ComputeType>& compute_types() {
  static const auto& names =
      *new Names<ComputeType>{{"float32", ComputeType::kFloat32}, {"bfloat16", ComputeType::kBFloat16}};
  return names;
}

const Names<Activation>& activations() {
  static const auto& names = *new Names<Activation>{{"identity", Activation::kIdentity},  {"gelu", Activation::kGelu},
                                                    {"gelu_tanh", Activation::kGeluTanh}, {"relu", Activation::kRelu},
                                                    {"silu", Activation::kSilu},          {"tanh", Activation::kTanh},
                                                    {"sigmoid", Activation::kSigmoid}};
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

const Names<std::optional<KernelSet>>& kernel_sets() {
  static const auto& names = *new Names<std::optional<KernelSet>>{{"auto", std::nullopt},
                                                                  {"portable", KernelSet::kPortable},
                                                                  {"avx2", KernelSet::kAvx2},
                                                                  {"avx512", KernelSet::kAvx512}};
  return names;
}

template <typename Enum>
Enum named(const Names<Enum>& names, const Napi::Value& value) {
  const auto found = names.find(value.As<Napi::String>());
  if (found == names.end())
    throw Napi::TypeError::New(value.Env(), "Native request names an unknown value: " + value.ToString().Utf8Value());
  return found->second;
}

const char* name_of(KernelSet set) {
  for (const auto& [name, value] : kernel_sets()) {
    if (value == set) return name.c_str();
  }
  return "portable";
}

std::vector<int32_t> int32_array(const Object& object, const char* name) {
  const auto array = field(object, name).As<Napi::Int32Array>();
  return {array.Data(), array.Data() + array.ElementLength()};
}

TensorSource tensor(const Napi::Value& value) {
  const auto object = value.As<Object>();
  return {text(object, "name"), integer(object, "file"), integer(object, "offset"),
          named(stored_types(), field(object, "dtype")),
          list(object, "shape", [](const Napi::Value& n) { return n.As<Napi::Number>().Int64Value(); })};
}

TensorSource tensor(const Object& object, const char* name) { return tensor(field(object, name)); }

LinearSource linear(const Object& object, const char* name) {
  const Object source = object_field(object, name);
  return {tensor(source, "weight"), optional(source, "bias", [](const Napi::Value& v) { return tensor(v); })};
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

EncoderSource encoder(const Object& object) {
  const auto as_tensor = [](const Napi::Value& v) { return tensor(v); };
  return {.hidden_size = integer(object, "hiddenSize"),
          .heads = integer(object, "heads"),
          .intermediate_size = integer(object, "intermediateSize"),
          .layer_norm_eps = number(object, "layerNormEps"),
          .activation = named(activations(), field(object, "activation")),
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
  return {linear(object, "linear"), named(activations(), field(object, "activation"))};
}

PostStep step(const Napi::Value& value) {
  if (value.IsNumber()) return value.As<Napi::Number>().Int64Value();
  return NormalizeStep{};
}

std::string as_text(const Napi::Value& value) { return value.As<Napi::String>(); }

Napi::Array strings(Napi::Env env, const std::vector<std::string>& values) {
  auto array = Napi::Array::New(env, values.size());
  for (size_t i = 0; i < values.size(); i++) array.Set(static_cast<uint32_t>(i), Napi::String::New(env, values[i]));
  return array;
}

}  // namespace

OpenRequest open_request(const Object& object) { return {list(object, "libraries", as_text), text(object, "core")}; }

LoadRequest load_request(const Object& object) {
  return {.files = list(object, "files", as_text),
          .encoder = encoder(object_field(object, "encoder")),
          .dense = list(object, "dense", dense),
          .dtype = named(compute_types(), field(object, "dtype")),
          .device = text(object, "device"),
          .threads = integer(object, "threads"),
          .kernels = named(kernel_sets(), field(object, "kernels"))};
}

EncodeRequest encode_request(const Object& object) {
  return {.ids = int32_array(object, "ids"),
          .offsets = int32_array(object, "offsets"),
          .pooling = list(object, "pooling", [](const Napi::Value& v) { return named(poolings(), v); }),
          .prompt_tokens = integer(object, "promptTokens"),
          .steps = list(object, "steps", step),
          .truncate_dim = integer(object, "truncateDim"),
          .normalize_last = boolean(object, "normalizeLast"),
          .batch_tokens = integer(object, "batchTokens")};
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
  return object;
}

Napi::Value encode_result(Napi::Env env, const EncodeResult& result) {
  auto values = Napi::Float32Array::New(env, result.values.size());
  if (!result.values.empty()) std::memcpy(values.Data(), result.values.data(), result.values.size() * sizeof(float));
  auto object = Object::New(env);
  object.Set("values", values);
  object.Set("dimension", static_cast<double>(result.dimension));
  object.Set("nonFiniteRow", static_cast<double>(result.non_finite_row));
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
