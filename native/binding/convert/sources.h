// Conversion of the tensors and layers that requests describe. `name` is the name of the field in an error message.
#pragma once
#include <napi.h>

#include "engine/engine.h"

namespace sentorch::convert {

ComputeType compute_type(const Napi::Object& object, const char* name);
Activation activation(const Napi::Object& object, const char* name);
TensorSource as_tensor(const Napi::Value& value, const char* name);
LinearSource as_linear(const Napi::Value& value, const char* name);
EncoderSource encoder(const Napi::Object& object, const char* name);
DenseSource as_dense(const Napi::Value& value, const char* name);

Rows rows(const Napi::Object& object);
// pooled() reads `pooling` and `steps` only; vector_request() reads all fields.
VectorRequest pooled(const Napi::Object& object);
VectorRequest vector_request(const Napi::Object& object);

}  // namespace sentorch::convert
