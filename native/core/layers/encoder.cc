#include "core/layers/encoder.h"

#include "core/guard.h"

namespace sentorch {

at::Tensor encoder_forward(const Parameters& parameters, int64_t heads, const Operations& operations,
                           const MicroBatch& batch, const StopFlag& stop) {
  at::Tensor x = operations.embed(parameters.embeddings, batch);
  for (const Layer& layer : parameters.layers) {
    stop_if(stop);
    const at::Tensor mixed = operations.attention(layer.qkv(x), heads, parameters.relative_bias, batch);
    x = operations.add_norm(layer.attention_output(mixed), x, layer.attention_norm, batch);
    x = operations.add_norm(layer.output(layer.intermediate(x)), x, layer.output_norm, batch);
  }
  return x;
}

}  // namespace sentorch
