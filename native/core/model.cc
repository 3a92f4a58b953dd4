#include "core/model.h"

#include <cmath>
#include <cstring>

#include "core/device.h"
#include "core/encoder.h"
#include "core/guard.h"
#include "core/sentence.h"

namespace sentorch {
namespace {

Placement place(const LoadRequest& request) {
  const at::ScalarType type = request.dtype == ComputeType::kFloat32 ? at::kFloat : at::kBFloat16;
  const at::Device device = device_of(request.device);
  return {type, device, device.is_cpu() && can_pack(type)};
}

KernelSet kernels_for(const LoadRequest& request, const Placement& placement) {
  return placement.device.is_cpu() ? request.kernels.value_or(widest_kernels()) : KernelSet::kPortable;
}

std::unique_ptr<Operations> operations_for(KernelSet kernels) {
  const kernels::Set* set = kernel_set(kernels);
  return set ? kernel_operations(*set) : portable_operations();
}

bool finite(const float* values, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    if (!std::isfinite(values[i])) return false;
  }
  return true;
}

// Copies each row of the micro-batch to where the request has it.
class Scatter {
 public:
  Scatter(EncodeResult& result, int64_t units) : result_(result), units_(units) {}

  // from: [count, dimension], the values of request row `row`, which start at unit `at`.
  void put(const at::Tensor& values, int64_t from, int64_t count, int64_t at, int32_t row) {
    const int64_t dimension = values.size(1);
    if (result_.values.empty()) {
      result_.dimension = dimension;
      result_.values.resize(units_ * dimension);
    }
    const float* source = static_cast<const float*>(values.data_ptr()) + from * dimension;
    if (result_.non_finite_row < 0 && !finite(source, count * dimension)) result_.non_finite_row = row;
    std::memcpy(result_.values.data() + at * dimension, source, count * dimension * sizeof(float));
  }

 private:
  EncodeResult& result_;
  int64_t units_;
};

}  // namespace

EncoderModel::EncoderModel(const LoadRequest& request, const StopFlag& stop)
    : placement_(place(request)),
      heads_(request.encoder.heads),
      limits_{request.encoder.word_embeddings.shape[0], request.encoder.position_embeddings.shape[0],
              request.encoder.position_padding} {
  const c10::InferenceMode inference;
  kernels_ = kernels_for(request, placement_);
  operations_ = operations_for(kernels_);
  parameters_ = read_parameters(request, placement_, stop);
}

LoadedModel EncoderModel::info() const { return {kernels_, placement_.pack, parameters_.count, parameters_.bytes}; }

void EncoderModel::check(const EncodeRequest& request) const {
  for (const PostStep& step : request.steps) {
    const int64_t* index = std::get_if<int64_t>(&step);
    if (index && (*index < 0 || *index >= static_cast<int64_t>(parameters_.dense.size())))
      throw Error("ERR_INTERNAL", "There is no such Dense module.");
  }
}

at::Tensor EncoderModel::states(const MicroBatch& batch, const StopFlag& stop) const {
  const at::Tensor hidden = encoder_forward(parameters_, heads_, *operations_, batch, stop);
  return hidden.narrow(0, 0, batch.tokens()).to(at::kCPU, at::kFloat).contiguous();
}

EncodeResult EncoderModel::encode(const EncodeRequest& request, const StopFlag& stop) {
  return guarded([&] {
    const c10::InferenceMode inference;
    check(request);
    const bool tokens = request.pooling.empty();
    EncodeResult result{.values = {}, .dimension = 0};
    Scatter scatter(result, tokens ? request.ids.size() : request.offsets.size() - 1);
    for (const MicroBatch& batch : plan(request, limits_)) {
      stop_if(stop);
      at::Tensor values = states(batch, stop);
      if (!tokens) values = sentence_vectors(values, batch, request, parameters_.dense);
      for (int64_t i = 0; i < batch.size(); i++) {
        const int32_t row = batch.rows[i];
        if (tokens) {
          scatter.put(values, batch.offsets[i], batch.length(i), request.offsets[row], row);
        } else {
          scatter.put(values, i, 1, row, row);
        }
      }
    }
    return result;
  });
}

}  // namespace sentorch
