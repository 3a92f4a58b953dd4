// The float32 parameters that training changes, by place and by name.
#pragma once
#include <string>
#include <unordered_map>
#include <vector>

#include "core/heads.h"
#include "core/weights.h"

namespace sentorch {

struct PlainNorm {
  at::Tensor weight;
  at::Tensor bias;
};

struct PlainLayer {
  PlainLinear query, key, value, attention_output;
  PlainNorm attention_norm;
  PlainLinear intermediate, output;
  PlainNorm output_norm;
};

struct NamedParameter {
  ParameterInfo info;
  at::Tensor value;
};

struct Masters {
  at::Tensor word;      // [vocabulary, hidden]
  at::Tensor position;  // [positions, hidden]
  at::Tensor type;      // [types, hidden] or undefined
  PlainNorm embedding_norm;
  std::vector<PlainLayer> layers;
  at::Tensor relative_bias;        // [buckets, heads] or undefined
  std::vector<PlainLinear> dense;  // on the CPU

  std::vector<NamedParameter> named;  // all of them
  const at::Tensor& at(const std::string& name) const { return named[place.at(name)].value; }
  std::unordered_map<std::string, size_t> place;
};

Masters read_masters(const EncoderSource& encoder, const std::vector<DenseSource>& dense,
                     const std::vector<std::string>& files, const at::Device& device, const StopFlag& stop);

// Parameters of a head, under their names.
std::vector<NamedParameter> named_parameters(const Head& head);

}  // namespace sentorch
