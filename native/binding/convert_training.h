// The part of convert.h that heads and training need.
#pragma once
#include <napi.h>

#include "core/engine.h"

namespace sentorch::convert {

HeadSource head_source(const Napi::Value& value);
PredictRequest predict_request(const Napi::Value& value);
TrainingRequest training_request(const Napi::Value& value);
std::vector<GroupSource> groups(const Napi::Value& value);
CorpusRequest corpus_request(const Napi::Value& value);
TrainRequest train_request(const Napi::Value& value);
RestoreRequest restore_request(const Napi::Value& value);
WriteRequest write_request(const Napi::Value& value);
ParameterValue parameter_value(const Napi::Value& value);
std::vector<std::string> names(const Napi::Value& value);

Napi::Value predict_result(Napi::Env env, const PredictResult& result);
Napi::Value training_info(Napi::Env env, const std::vector<ParameterInfo>& parameters);
Napi::Value train_result(Napi::Env env, const TrainResult& result);
Napi::Value optimizer_steps(Napi::Env env, const std::vector<int32_t>& steps);
Napi::Value arrays(Napi::Env env, const std::vector<std::vector<float>>& arrays);

}  // namespace sentorch::convert
