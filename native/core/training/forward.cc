#include "core/training/forward.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/embedding.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "core/guard.h"
#include "core/layers/linear.h"
#include "core/training/attention.h"
#include "core/training/recompute.h"

namespace sentorch {
namespace {

at::Tensor long_tensor(const std::vector<int32_t>& values, const at::Device& device) {
  at::Tensor out = at::empty({static_cast<int64_t>(values.size())}, at::kLong);
  std::copy(values.begin(), values.end(), static_cast<int64_t*>(out.data_ptr()));
  return out.to(device);
}

// The sites of dropout: one after the embeddings, then three in each layer.
enum Site : uint64_t { kEmbedding = 0, kAttention = 1, kAttentionOutput = 2, kOutput = 3 };
uint64_t site(size_t layer, Site place) { return 3 * layer + place; }

class LayerForward {
 public:
  LayerForward(const ForwardSettings& settings, const AttentionLayout& layout, const Dropout& dropout)
      : settings_(settings), layout_(layout), dropout_(dropout) {}

  at::Tensor operator()(const PlainLayer& layer, size_t index, const at::Tensor& x) const {
    const at::Tensor qkv_weight = at::cat({layer.query.weight.value, layer.key.weight.value, layer.value.weight.value});
    const at::Tensor qkv_bias = layer.query.bias.value.defined()
                                    ? at::cat({layer.query.bias.value, layer.key.bias.value, layer.value.bias.value})
                                    : at::Tensor();
    const at::Tensor qkv = product(x, qkv_weight, qkv_bias);
    const at::Tensor mixed =
        attention(qkv, settings_.heads, layout_, dropout_, settings_.attention_dropout, site(index, kAttention));
    const at::Tensor y = add_norm(product(mixed, layer.attention_output), settings_.attention_output_dropout, x,
                                  layer.attention_norm, site(index, kAttentionOutput));
    const at::Tensor wide = activate(product(y, layer.intermediate), settings_.activation);
    return add_norm(product(wide, layer.output), settings_.hidden_dropout, y, layer.output_norm, site(index, kOutput));
  }

  at::Tensor norm(const at::Tensor& x, const PlainNorm& norm) const {
    return at::layer_norm(x, {x.size(-1)}, norm.weight.value, norm.bias.value, settings_.layer_norm_eps);
  }

 private:
  at::Tensor product(const at::Tensor& x, const PlainLinear& linear) const {
    return product(x, linear.weight.value, linear.bias.value);
  }

  // bias: may be undefined.
  at::Tensor product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) const {
    const auto linear = [](const at::Tensor& input, const at::Tensor& w, const at::Tensor& b) {
      return at::linear(input, w, b.defined() ? std::optional<at::Tensor>(b) : std::nullopt);
    };
    if (settings_.type == at::kFloat) return linear(x, weight, bias);
    // On a rounded number of rows, in the backward pass too. The added rows are zeros and their results are not used,
    // so they do not contribute to a gradient.
    const int64_t tokens = x.size(0), rows = rounded_rows(tokens);
    at::Tensor input = x.to(settings_.type);
    if (rows != tokens) input = at::constant_pad_nd(input, {0, 0, 0, rows - tokens});
    const at::Tensor narrow_bias = bias.defined() ? bias.to(settings_.type) : bias;
    return linear(input, weight.to(settings_.type), narrow_bias).narrow(0, 0, tokens).to(at::kFloat);
  }

  at::Tensor add_norm(const at::Tensor& x, double p, const at::Tensor& residual, const PlainNorm& weights,
                      uint64_t at) const {
    return norm(dropout_.tokens(x, p, at) + residual, weights);
  }

  const ForwardSettings& settings_;
  const AttentionLayout& layout_;
  const Dropout& dropout_;
};

}  // namespace

WordRows word_rows(const at::Tensor& table, const MicroBatch& batch, int64_t padding, bool trainable) {
  std::vector<int32_t> distinct = batch.ids;
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  std::vector<int32_t> place(batch.ids.size());
  for (size_t t = 0; t < batch.ids.size(); t++) {
    place[t] =
        static_cast<int32_t>(std::lower_bound(distinct.begin(), distinct.end(), batch.ids[t]) - distinct.begin());
  }
  const auto padded = std::lower_bound(distinct.begin(), distinct.end(), padding);
  const bool found = padded != distinct.end() && *padded == padding;
  WordRows rows{long_tensor(distinct, table.device()),
                {},
                long_tensor(place, table.device()),
                found ? padded - distinct.begin() : -1};
  const c10::AutoGradMode off(false);
  rows.values = table.index_select(0, rows.ids);
  rows.values.requires_grad_(trainable);
  return rows;
}

at::Tensor training_forward(const Masters& masters, const ForwardSettings& settings, const WordRows& words,
                            const MicroBatch& batch, const Dropout& dropout, const StopFlag& stop) {
  const AttentionLayout layout(batch, masters.relative_bias.value);
  const LayerForward forward(settings, layout, dropout);
  at::Tensor x = at::embedding(words.values, words.place, words.padding);
  const at::Tensor &position = masters.position.value, &type = masters.type.value;
  if (type.defined()) x = x + type.select(0, 0);
  x = x + at::embedding(position, long_tensor(batch.positions, position.device()), settings.position_padding);
  x = dropout.tokens(forward.norm(x, masters.embedding_norm), settings.hidden_dropout, kEmbedding);
  for (size_t i = 0; i < masters.layers.size(); i++) {
    stop_if(stop);
    const PlainLayer& layer = masters.layers[i];
    if (settings.checkpointing && c10::GradMode::is_enabled()) {
      // Captured by value, because the backward pass runs after this function has returned.
      x = recomputed([settings, layout, dropout, &layer,
                      i](const at::Tensor& in) { return LayerForward(settings, layout, dropout)(layer, i, in); },
                     x);
    } else {
      x = forward(layer, i, x);
    }
  }
  return x;
}

}  // namespace sentorch
