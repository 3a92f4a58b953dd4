#include "core/heads/head.h"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <cmath>

#include "core/layers/linear.h"
#include "core/storage/weights.h"

namespace sentorch {
namespace {

// Initialises weight and bias as torch.nn.Linear.reset_parameters does: kaiming_uniform with a = √5, then the bias,
// from one stream of random numbers.
std::pair<at::Tensor, at::Tensor> drawn(int64_t inputs, int64_t outputs, at::Generator& generator) {
  const double gain = std::sqrt(2.0 / (1 + 5));
  const double bound = std::sqrt(3.0) * (gain / std::sqrt(double(inputs)));
  const double bias_bound = 1 / std::sqrt(double(inputs));
  at::Tensor weight = at::empty({outputs, inputs}, at::kFloat).uniform_(-bound, bound, generator);
  at::Tensor bias = at::empty({outputs}, at::kFloat).uniform_(-bias_bound, bias_bound, generator);
  return {weight, bias};
}

at::Generator generator_of(int64_t seed) {
  return at::make_generator<at::CPUGeneratorImpl>(static_cast<uint64_t>(seed));
}

PlainLinear layer_of(const HeadSource& source, size_t index, at::Tensor weight, at::Tensor bias) {
  const std::string name = "heads." + source.name + "." + std::to_string(index);
  return {{name + ".weight", std::move(weight)}, {name + ".bias", std::move(bias)}};
}

}  // namespace

Head make_head(const HeadSource& source, const StopFlag& stop) {
  Head head{source, {}};
  if (source.layers) {
    WeightReader files(source.files, stop);
    for (const LinearSource& layer : *source.layers) {
      at::Tensor weight = files.read(layer.weight).to(at::kFloat);
      at::Tensor bias = layer.bias ? files.read(*layer.bias).to(at::kFloat) : at::zeros({weight.size(0)}, at::kFloat);
      head.layers.push_back(layer_of(source, head.layers.size(), std::move(weight), std::move(bias)));
    }
  } else {
    at::Generator generator = generator_of(source.seed);
    int64_t inputs = source.inputs;
    for (int64_t outputs : source.sizes) {
      auto [weight, bias] = drawn(inputs, outputs, generator);
      head.layers.push_back(layer_of(source, head.layers.size(), std::move(weight), std::move(bias)));
      inputs = outputs;
    }
  }
  return head;
}

Head& head_named(std::vector<Head>& heads, const std::string& name) {
  const auto found = std::find_if(heads.begin(), heads.end(), [&](const Head& h) { return h.source.name == name; });
  if (found == heads.end()) throw Error("ERR_INTERNAL", "There is no head named " + name + ".");
  return *found;
}

void extend(Head& head, int64_t count, int64_t seed) {
  at::Generator generator = generator_of(seed);
  at::Tensor &weight = head.layers.back().weight.value, &bias = head.layers.back().bias.value;
  const auto [more_weight, more_bias] = drawn(weight.size(1), count, generator);
  const at::Tensor extended = at::cat({weight.detach(), more_weight});
  bias = at::cat({bias.detach(), more_bias});
  weight = extended;
  head.source.sizes.back() += count;
}

at::Tensor head_forward(const Head& head, at::Tensor x, const BetweenLayers& between) {
  for (size_t i = 0; i < head.layers.size(); i++) {
    x = head.layers[i](between(x, i));
    if (i + 1 < head.layers.size()) x = activate(x, head.source.activation);
  }
  return x;
}

at::Tensor head_forward(const Head& head, const at::Tensor& x) {
  return head_forward(head, x, [](const at::Tensor& value, size_t) { return value; });
}

}  // namespace sentorch
