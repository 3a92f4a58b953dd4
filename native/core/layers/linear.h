// y = activation(x · weightᵀ + bias), for inference.
#pragma once
#include "core/tensor.h"

namespace sentorch {

at::Tensor activate(const at::Tensor& x, Activation activation);

// Whether products of this type can use weights that oneDNN has packed.
bool can_pack(at::ScalarType type);

class Linear {
 public:
  // weight: [out, in]; bias: [out] or undefined; both on the device and of the type of the computation.
  // `pack`: the weight is re-ordered once for oneDNN, and the original is not kept.
  Linear(at::Tensor weight, at::Tensor bias, Activation activation, bool pack);

  // x: [rows, in]. Returns [rows, out] of the same type.
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  at::Tensor weight_;
  std::optional<at::Tensor> bias_;
  Activation activation_;
  bool packed_;
};

}  // namespace sentorch
