#include "core/model.h"

#include <unordered_map>

#include "core/batch/scatter.h"
#include "core/checks.h"
#include "core/device.h"
#include "core/guard.h"
#include "core/heads/kind.h"
#include "core/layers/encoder.h"
#include "core/pooling/sentence_vectors.h"
#include "core/storage/fingerprint.h"
#include "core/storage/parameter_file.h"
#include "core/storage/weights.h"

namespace sentorch {
namespace {

Placement place(const LoadRequest& request) {
  const at::ScalarType type = scalar_type(request.dtype);
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

// The row that a result of several parts reports: that of the first part with such a row.
int64_t first_reported(int64_t row, int64_t next) { return row >= 0 ? row : next; }

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
  Fingerprint fingerprint;
  parameters_ = make_parameters(source_, dense_, placement_, [&](const std::string& name, const TensorSource& stored) {
    at::Tensor values = files.read(stored);
    fingerprint.add(name, values);
    return values;
  });
  fingerprint_ = fingerprint.text();
  info_ = {kernels_, placement_.pack, parameters_->count, parameters_->bytes, *fingerprint_};
}

LoadedModel EncoderModel::info() const { return info_; }

std::string EncoderModel::weights() {
  return guarded([&] { return fingerprint(); });
}

const std::string& EncoderModel::fingerprint() {
  if (!fingerprint_) {
    Fingerprint fingerprint;
    visit(*masters_, [&](const ParameterInfo& info, const at::Tensor& value) { fingerprint.add(info.name, value); });
    fingerprint_ = fingerprint.text();
  }
  return *fingerprint_;
}

const Parameters& EncoderModel::parameters() {
  if (!parameters_) {
    std::unordered_map<std::string, at::Tensor> masters;
    visit(*masters_, [&](const ParameterInfo& info, const at::Tensor& value) { masters[info.name] = value.detach(); });
    parameters_ = make_parameters(source_, dense_, placement_,
                                  [&](const std::string& name, const TensorSource&) { return masters.at(name); });
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
      auto vectors = SentenceVectors::for_inference(hidden, batch, parameters().dense);
      result.put(batch, tokens ? hidden : vectors.of(request.vectors));
    }
    return EncodeResult{std::move(result.values), result.dimension, result.non_finite_row, fingerprint()};
  });
}

EncodeResult EncoderModel::finish(const FinishRequest& request, const StopFlag& stop) {
  return guarded([&] {
    const c10::InferenceMode inference;
    stop_if(stop);
    const int64_t dimension = checked_dimension(request.vectors, source_.hidden_size, dense_);
    const int64_t rows = checked_rows(request, source_.hidden_size);
    at::Tensor pooled = at::empty({rows, static_cast<int64_t>(request.vectors.pooling.size()) * source_.hidden_size});
    std::copy(request.pooled.begin(), request.pooled.end(), static_cast<float*>(pooled.data_ptr()));
    const at::Tensor finished = SentenceVectors::after_pooling(pooled, parameters().dense).of(request.vectors);
    EncodeResult result{numbers(finished), dimension, -1, fingerprint()};
    for (int64_t row = 0; row < rows && result.non_finite_row < 0; row++) {
      if (!all_finite(result.values.data() + row * dimension, dimension)) result.non_finite_row = row;
    }
    return result;
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
      logits.emplace_back(request.rows, kind_of(heads.back()->source).per_token());
    }
    Scatter embedding(request.rows, false);
    for (const MicroBatch& batch : plan(request.rows, request.batch_tokens, limits_)) {
      stop_if(stop);
      const at::Tensor hidden = states(batch, stop);
      auto vectors = SentenceVectors::for_inference(hidden, batch, parameters().dense);
      for (size_t i = 0; i < heads.size(); i++) {
        const HeadSource& source = heads[i]->source;
        logits[i].put(batch, head_forward(*heads[i], kind_of(source).input(source, hidden, batch, vectors)));
      }
      if (request.embedding) embedding.put(batch, vectors.of(*request.embedding));
    }
    PredictResult result{.logits = {}, .embedding = {}};
    for (Scatter& each : logits) {
      result.non_finite_row = first_reported(result.non_finite_row, each.non_finite_row);
      result.logits.push_back(std::move(each.values));
    }
    if (request.embedding) {
      result.non_finite_row = first_reported(result.non_finite_row, embedding.non_finite_row);
      result.embedding =
          EncodeResult{std::move(embedding.values), embedding.dimension, embedding.non_finite_row, fingerprint()};
    }
    return result;
  });
}

Training& EncoderModel::start_training(const TrainingRequest& request, const StopFlag& stop) {
  return guarded([&]() -> Training& {
    end_training();
    check_training(request, source_, dense_);
    if (!masters_) masters_ = read_masters(source_, dense_, request.files, placement_.device, stop);
    trainer_ = std::make_unique<Trainer>(request, *masters_, heads_, limits_, [this] {
      parameters_.reset();
      fingerprint_.reset();
    });
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
  at::Tensor found;
  const OwnedVisitor look = [&](const ParameterInfo& info, const at::Tensor& value) {
    if (info.name == part.parameter) found = value.detach();
  };
  if (part.value == ParameterValue::kValue) {
    if (masters_) visit(*masters_, look);
    for (const Head& each : heads_) visit(each, look);
  }
  if (found.defined()) return found;
  throw Error("ERR_INTERNAL", "This value does not exist for parameter " + part.parameter + ".");
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
