// What a model is made of, as requests describe it.
#pragma once
#include <napi.h>

#include "core/engine.h"

namespace sentorch::convert {

ComputeType compute_type(const Napi::Value& value);
Activation activation(const Napi::Value& value);
TensorSource tensor(const Napi::Value& value);
TensorSource tensor(const Napi::Object& object, const char* name);
LinearSource linear(const Napi::Value& value);
LinearSource linear(const Napi::Object& object, const char* name);
EncoderSource encoder(const Napi::Object& object);
DenseSource dense(const Napi::Value& value);

Rows rows(const Napi::Object& object);
// `pooling` and `steps` alone, or the whole.
VectorRequest pooled(const Napi::Object& object);
VectorRequest vector_request(const Napi::Object& object);

}  // namespace sentorch::convert
