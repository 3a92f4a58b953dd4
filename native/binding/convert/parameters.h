// Conversion of requests for parameters from and to JavaScript.
#pragma once
#include <napi.h>

#include "engine/parameters.h"

namespace sentorch::convert {

RestoreRequest restore_request(const Napi::Value& value);
WriteRequest write_request(const Napi::Value& value);
ParameterValue parameter_value(const Napi::Value& value);
std::vector<int32_t> indices(const Napi::Value& value);
std::vector<std::string> names(const Napi::Value& value);

Napi::Value training_info(Napi::Env env, const std::vector<ParameterInfo>& parameters);
Napi::Value optimizer_steps(Napi::Env env, const std::vector<int32_t>& steps);
Napi::Value arrays(Napi::Env env, const std::vector<std::vector<float>>& values);

}  // namespace sentorch::convert
