// Conversion of heads and predictions from and to JavaScript.
#pragma once
#include <napi.h>

#include "engine/heads.h"

namespace sentorch::convert {

HeadSource head_source(const Napi::Value& value);
PredictRequest predict_request(const Napi::Value& value);
Napi::Value predict_result(Napi::Env env, const PredictResult& result);

}  // namespace sentorch::convert
