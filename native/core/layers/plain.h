// Layers in the form that training uses: float32 parameters with the names that they have in files. Inference creates
// its packed form from them.
#pragma once
#include <functional>
#include <string>

#include "core/layers/linear.h"
#include "core/tensor.h"

namespace sentorch {

struct Parameter {
  std::string name;
  at::Tensor value;  // undefined: the model does not have it
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

// Visits every parameter of a layer, in the order of its fields, except those that the model does not have. All code
// that needs the parameters gets them by visiting, so that a parameter that is added to a layer is found everywhere.
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
