// Layers as training knows them: plain float32 parameters under the names that files have for them. Inference makes its
// packed forms of these.
#pragma once
#include <functional>
#include <string>

#include "core/layers/linear.h"
#include "core/tensor.h"

namespace sentorch {

struct Parameter {
  std::string name;
  at::Tensor value;  // undefined: the model has none
};

// weight: [out, in]; bias: [out].
struct PlainLinear {
  Parameter weight, bias;

  at::Tensor operator()(const at::Tensor& x) const {
    return at::linear(x, weight.value, bias.value.defined() ? std::optional<at::Tensor>(bias.value) : std::nullopt);
  }
};

struct PlainNorm {
  Parameter weight, bias;
};

struct PlainLayer {
  PlainLinear query, key, value, attention_output;
  PlainNorm attention_norm;
  PlainLinear intermediate, output;
  PlainNorm output_norm;
};

struct PlainDense {
  PlainLinear linear;
  Activation activation;

  at::Tensor operator()(const at::Tensor& x) const { return activate(linear(x), activation); }
};

// Every parameter of a layer, in the order of its fields; those that the model does not have are left out. Whatever
// lists parameters does it by visiting: what a layer gains is found by all of them.
using ParameterVisitor = std::function<void(const Parameter&)>;

inline void visit(const Parameter& parameter, const ParameterVisitor& visitor) {
  if (parameter.value.defined()) visitor(parameter);
}

inline void visit(const PlainLinear& linear, const ParameterVisitor& visitor) {
  visit(linear.weight, visitor);
  visit(linear.bias, visitor);
}

inline void visit(const PlainNorm& norm, const ParameterVisitor& visitor) {
  visit(norm.weight, visitor);
  visit(norm.bias, visitor);
}

inline void visit(const PlainLayer& layer, const ParameterVisitor& visitor) {
  for (const PlainLinear* each : {&layer.query, &layer.key, &layer.value, &layer.attention_output})
    visit(*each, visitor);
  visit(layer.attention_norm, visitor);
  visit(layer.intermediate, visitor);
  visit(layer.output, visitor);
  visit(layer.output_norm, visitor);
}

}  // namespace sentorch
