// Conversion of training requests and results from and to JavaScript.
#pragma once
#include <napi.h>

#include "engine/training.h"

namespace sentorch::convert {

TrainingRequest training_request(const Napi::Value& value);
std::vector<GroupSource> groups(const Napi::Value& value);
CorpusRequest corpus_request(const Napi::Value& value);
TrainRequest train_request(const Napi::Value& value);
Napi::Value train_result(Napi::Env env, const TrainResult& result);

}  // namespace sentorch::convert
