// Heads: small networks on the sentence vector or on the token states. In float32 on the CPU, like pooled vectors.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/layers/plain.h"
#include "core/tensor.h"

namespace sentorch {

struct Head {
  HeadSource source;
  std::vector<PlainLinear> layers;
};

// With the stored parameters, or initialised from the seed as PyTorch's Linear initialises them.
Head make_head(const HeadSource& source, const StopFlag& stop);

// ERR_INTERNAL if there is no head with this name; lib/ has checked that.
Head& head_named(std::vector<Head>& heads, const std::string& name);

// Adds `count` logits; the existing ones keep their weights.
void extend(Head& head, int64_t count, int64_t seed);

// Called before the first layer (0) and after each hidden activation (1, 2, …).
using BetweenLayers = std::function<at::Tensor(const at::Tensor& x, size_t layer)>;

// x: [items, inputs]. Returns [items, logits].
at::Tensor head_forward(const Head& head, at::Tensor x, const BetweenLayers& between);
at::Tensor head_forward(const Head& head, const at::Tensor& x);

inline void visit(const Head& head, const ParameterVisitor& visitor) {
  for (const PlainLinear& layer : head.layers) visit(layer, visitor);
}

}  // namespace sentorch
