#include "core/heads.h"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <cmath>

#include "core/linear.h"
#include "core/weights.h"

namespace sentorch {
namespace {

// torch.nn.Linear.reset_parameters: kaiming_uniform with a = √5, then the bias, from one stream of numbers.
PlainLinear drawn(int64_t inputs, int64_t outputs, at::Generator& generator) {
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

}  // namespace

Head make_head(const HeadSource& source, const StopFlag& stop) {
  Head head{source, {}};
  if (source.layers) {
    WeightReader files(source.files, stop);
    for (const LinearSource& layer : *source.layers) {
      at::Tensor weight = files.read(layer.weight).to(at::kFloat);
      at::Tensor bias = layer.bias ? files.read(*layer.bias).to(at::kFloat) : at::zeros({weight.size(0)}, at::kFloat);
      head.layers.push_back({weight, bias});
    }
  } else {
    at::Generator generator = generator_of(source.seed);
    int64_t inputs = source.inputs;
    for (int64_t outputs : source.sizes) {
      head.layers.push_back(drawn(inputs, outputs, generator));
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
  PlainLinear& last = head.layers.back();
  const PlainLinear more = drawn(last.weight.size(1), count, generator);
  last = {at::cat({last.weight.detach(), more.weight}), at::cat({last.bias.detach(), more.bias})};
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

std::string head_parameter(const std::string& head, size_t layer, const char* part) {
  return "heads." + head + "." + std::to_string(layer) + "." + part;
}

}  // namespace sentorch
