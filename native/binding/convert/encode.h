// Opening, loading and encoding: converts JavaScript values to requests and results to JavaScript values. The files in
// this folder check types; the core checks sizes and indices (checks.h), and lib/ checks whether the contents make
// sense.
#pragma once
#include <napi.h>

#include "binding/runtime/library.h"
#include "common/cpu_features.h"
#include "engine/engine.h"

namespace sentorch::convert {

OpenRequest open_request(const Napi::Value& value);
LoadRequest load_request(const Napi::Value& value);
EncodeRequest encode_request(const Napi::Value& value);
FinishRequest finish_request(const Napi::Value& value);

Napi::Value library(Napi::Env env, const LibraryInfo& info);
Napi::Value loaded_model(Napi::Env env, const LoadedModel& info);
Napi::Value encode_result(Napi::Env env, const EncodeResult& result);
Napi::Value cpu_features(Napi::Env env, const CpuFeatures& features);

}  // namespace sentorch::convert
