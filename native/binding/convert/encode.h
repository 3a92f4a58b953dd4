// Opening, loading and encoding: JavaScript values to requests and results to JavaScript values. In all of this folder
// types are checked; sizes and indices are checked by the core (checks.h), and that the contents make sense by lib/.
#pragma once
#include <napi.h>

#include "binding/runtime/library.h"
#include "common/cpu_features.h"
#include "engine/engine.h"

namespace sentorch::convert {

OpenRequest open_request(const Napi::Value& value);
LoadRequest load_request(const Napi::Value& value);
EncodeRequest encode_request(const Napi::Value& value);

Napi::Value library(Napi::Env env, const LibraryInfo& info);
Napi::Value loaded_model(Napi::Env env, const LoadedModel& info);
Napi::Value encode_result(Napi::Env env, const EncodeResult& result);
Napi::Value cpu_features(Napi::Env env, const CpuFeatures& features);

}  // namespace sentorch::convert
