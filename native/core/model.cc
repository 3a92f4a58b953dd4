#include "core/model.h"

#include "core/checks.h"
#include "core/device.h"
#include "core/encoder.h"
#include "core/guard.h"
#include "core/parameter_file.h"
#include "core/scatter.h"
#include "core/sentence.h"
#include "core/weights.h"

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

std::vector<float> numbers(const at::Tensor& tensor) {
  const at::Tensor values = tensor.to(at::kCPU, at::kFloat).contiguous();
  const float* data = static_cast<const float*>(values.data_ptr());
  return {data, data + values.numel()};
}

}  // namespace

EncoderModel::EncoderModel(const LoadRequest& request, const StopFlag& stop)
    : source_(request.encoder),
      dense_(request.dense),
      placement_(place(request)),
      limits_{request.encoder.word_embeddings.shape[0], request.encoder.position_embeddings.shape[0],
              request.encoder.position_padding} {
  const c10::InferenceMode inference;
  kernels_ = kernels_for(request, placement_);
  operations_ = operations_for(kernels_);
  WeightReader files(request.files, stop);
  parameters_ = make_parameters(source_, dense_, placement_,
                                [&](const std::string&, const TensorSource& stored) { return files.read(stored); });
  info_ = {kernels_, placement_.pack, parameters_->count, parameters_->bytes};
}

LoadedModel EncoderModel::info() const { return info_; }

const Parameters& EncoderModel::parameters() {
  if (!parameters_) {
    parameters_ = make_parameters(source_, dense_, placement_, [&](const std::string& name, const TensorSource&) {
      return masters_->at(name).detach();
    });
  }
  return *parameters_;
}

at::Tensor EncoderModel::states(const MicroBatch& batch, const StopFlag& stop) {
  const at::Tensor hidden = encoder_forward(parameters(), source_.heads, *operations_, batch, stop);
  return hidden.narrow(0, 0, batch.tokens()).to(at::kCPU, at::kFloat).contiguous();
}

EncodeResult EncoderModel::encode(const EncodeRequest& request, const StopFlag& stop) {
  return guarded([&] {
    const c10::InferenceMode inference;
    const bool tokens = request.vectors.pooling.empty();
    if (!tokens) checked_dimension(request.vectors, source_.hidden_size, dense_);
    Scatter result(request.rows, tokens);
    for (const MicroBatch& batch : plan(request.rows, request.batch_tokens, limits_)) {
      stop_if(stop);
      const at::Tensor hidden = states(batch, stop);
      result.put(batch, tokens ? hidden : sentence_vectors(hidden, batch, request.vectors, parameters().dense));
    }
    return EncodeResult{std::move(result.values), result.dimension, result.non_finite_row};
  });
}

void EncoderModel::add_head(const HeadSource& source, const StopFlag& stop) {
  guarded([&] {
    check_head(source, source_.hidden_size, dense_);
    end_training();
    heads_.push_back(make_head(source, stop));
  });
}

void EncoderModel::remove_head(const std::string& name) {
  guarded([&] {
    end_training();
    heads_.erase(heads_.begin() + (&head_named(heads_, name) - heads_.data()));
  });
}

void EncoderModel::extend_head(const std::string& name, int64_t count, int64_t seed) {
  guarded([&] {
    if (count < 1) throw Error("ERR_INTERNAL", "A head is extended by at least one label.");
    end_training();
    extend(head_named(heads_, name), count, seed);
  });
}

PredictResult EncoderModel::predict(const PredictRequest& request, const StopFlag& stop) {
  return guarded([&] {
    const c10::InferenceMode inference;
    if (request.embedding) checked_dimension(*request.embedding, source_.hidden_size, dense_);
    std::vector<const Head*> heads;
    std::vector<Scatter> logits;
    for (const std::string& name : request.heads) {
      heads.push_back(&head_named(heads_, name));
      logits.emplace_back(request.rows, heads.back()->source.type == HeadType::kTokenClassification);
    }
    Scatter vectors(request.rows, false);
    for (const MicroBatch& batch : plan(request.rows, request.batch_tokens, limits_)) {
      stop_if(stop);
      const at::Tensor hidden = states(batch, stop);
      const std::vector<DenseModule>& dense = parameters().dense;
      for (size_t i = 0; i < heads.size(); i++) {
        const HeadSource& source = heads[i]->source;
        const bool tokens = source.type == HeadType::kTokenClassification;
        const at::Tensor input = tokens ? hidden : sentence_vectors(hidden, batch, source.vectors, dense);
        logits[i].put(batch, head_forward(*heads[i], input));
      }
      if (request.embedding) vectors.put(batch, sentence_vectors(hidden, batch, *request.embedding, dense));
    }
    PredictResult result{.logits = {}, .embedding = {}};
    for (Scatter& each : logits) {
      if (result.non_finite_row < 0) result.non_finite_row = each.non_finite_row;
      result.logits.push_back(std::move(each.values));
    }
    if (request.embedding) {
      if (result.non_finite_row < 0) result.non_finite_row = vectors.non_finite_row;
      result.embedding = EncodeResult{std::move(vectors.values), vectors.dimension, vectors.non_finite_row};
    }
    return result;
  });
}

Training& EncoderModel::start_training(const TrainingRequest& request, const StopFlag& stop) {
  return guarded([&]() -> Training& {
    end_training();
    check_training(request, source_, dense_);
    if (!masters_) masters_ = read_masters(source_, dense_, request.files, placement_.device, stop);
    trainer_ = std::make_unique<Trainer>(request, *masters_, heads_, limits_, [this] { parameters_.reset(); });
    return *trainer_;
  });
}

Training& EncoderModel::training() {
  if (!trainer_) throw Error("ERR_INTERNAL", "No trainer is open.");
  return *trainer_;
}

void EncoderModel::end_training() { trainer_.reset(); }

at::Tensor EncoderModel::find(const ParameterPart& part) {
  if (trainer_) {
    if (const std::optional<at::Tensor> found = trainer_->find(part)) return *found;
  }
  if (part.value == ParameterValue::kValue) {
    if (masters_ && masters_->place.contains(part.parameter)) return masters_->at(part.parameter).detach();
    for (const Head& each : heads_) {
      for (const NamedParameter& named : named_parameters(each)) {
        if (named.info.name == part.parameter) return named.value.detach();
      }
    }
  }
  throw Error("ERR_INTERNAL", "There is no such number of parameter " + part.parameter + ".");
}

std::vector<std::vector<float>> EncoderModel::read(ParameterValue value, const std::vector<std::string>& names) {
  return guarded([&] {
    std::vector<std::vector<float>> out;
    for (const std::string& name : names) out.push_back(numbers(find({value, name})));
    return out;
  });
}

void EncoderModel::write(const WriteRequest& request, const StopFlag& stop) {
  guarded([&] {
    for (const auto& part : request.parts) {
      if (const auto* stored = std::get_if<StoredBytes>(&part)) check_stored(*stored);
    }
    write_file(
        request, [&](const ParameterPart& part) { return find(part); }, stop);
  });
}

}  // namespace sentorch
