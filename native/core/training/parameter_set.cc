#include "core/training/parameter_set.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "core/guard.h"

namespace sentorch {
namespace {

constexpr size_t kWordTable = 0;

bool in_encoder(Part part) { return part == Part::kEmbeddings || part == Part::kLayer || part == Part::kRelativeBias; }

}  // namespace

bool GradientNorms::finite() const { return std::isfinite(clipped) && finite_rest; }

ParameterSet::ParameterSet(const Masters& masters) : word_(masters.word.value) {
  visit(masters, [this](const ParameterInfo& info, const at::Tensor& value) { add(info, value); });
}

ParameterSet::~ParameterSet() {
  drop_gradients();
  for (Trained& each : all_) each.value.set_requires_grad(false);
}

void ParameterSet::add(ParameterInfo info, const at::Tensor& value) { all_.push_back({std::move(info), value}); }

std::vector<ParameterInfo> ParameterSet::info() const {
  std::vector<ParameterInfo> out;
  for (const Trained& each : all_) out.push_back(each.info);
  return out;
}

void ParameterSet::set_groups(const std::vector<GroupSource>& groups) {
  std::vector<bool> seen(all_.size(), false);
  for (const GroupSource& group : groups) {
    for (int64_t i : group.parameters) {
      if (i < 0 || i >= static_cast<int64_t>(seen.size()) || seen[i])
        throw Error("ERR_INTERNAL", "A group has a parameter that does not exist or is in two groups.");
      seen[i] = true;
    }
  }
  // Everything that can fail comes first. A parameter that requires a gradient without being trained does no harm until
  // the rest is done.
  for (size_t i = 0; i < all_.size(); i++) {
    if (seen[i] && i != kWordTable) all_[i].value.set_requires_grad(true);
  }
  for (Trained& each : all_) each.trainable = false;
  for (const GroupSource& group : groups) {
    for (int64_t i : group.parameters) {
      Trained& each = all_[i];
      each.trainable = true;
      each.clip = group.clip;
      each.learning_rate = group.learning_rate;
      each.weight_decay = group.weight_decay;
    }
  }
  drop_gradients();
  for (Trained& each : all_) {
    if (each.trainable) continue;
    each.value.set_requires_grad(false);
    each.state = {};
  }
  if (!word_trains()) word_.release();
}

bool ParameterSet::encoder_trains() const {
  return std::any_of(all_.begin(), all_.end(),
                     [](const Trained& each) { return each.trainable && in_encoder(each.info.part); });
}

bool ParameterSet::word_trains() const { return all_[kWordTable].trainable; }

void ParameterSet::drop_gradients() noexcept {
  for (Trained& each : all_) {
    if (each.value.grad().defined()) each.value.mutable_grad().reset();
  }
  word_.clear();
}

void ParameterSet::reduce_gradients(Collective& group) {
  // Which parameters have a gradient on any member; for the others there is nothing to add up.
  at::Tensor defined = at::zeros({static_cast<int64_t>(all_.size())}, at::kFloat);
  for (size_t i = 0; i < all_.size(); i++) {
    if (i != kWordTable && all_[i].value.grad().defined()) defined[i] = 1;
  }
  group.sum(defined);
  const float* any = static_cast<const float*>(defined.data_ptr());
  for (size_t i = 0; i < all_.size(); i++) {
    if (any[i] == 0) continue;
    const at::Tensor& own = all_[i].value.grad();
    at::Tensor sum = own.defined() ? own.contiguous() : at::zeros_like(all_[i].value.detach());
    group.sum(sum);
    all_[i].value.mutable_grad() = sum;
  }
  if (word_trains()) word_.reduce(group);
}

at::Tensor ParameterSet::gradient(size_t parameter) const {
  if (parameter != kWordTable) return all_[parameter].value.grad();
  return word_.empty() ? at::Tensor() : word_.dense();
}

GradientNorms ParameterSet::gradient_norms() const {
  GradientNorms norms;
  norms.each.assign(all_.size(), 0);
  double squares = 0;
  for (size_t i = 0; i < all_.size(); i++) {
    if (!all_[i].trainable) continue;
    const at::Tensor own = i == kWordTable ? word_.touched() : gradient(i);
    if (!own.defined()) continue;
    const double norm = norms.each[i] = at::linalg_vector_norm(own).item<double>();
    if (all_[i].clip) {
      squares += norm * norm;
    } else {
      norms.finite_rest = norms.finite_rest && std::isfinite(norm);
    }
  }
  norms.clipped = std::sqrt(squares);
  return norms;
}

bool ParameterSet::update(const OptimizerSource& optimizer, const GradientNorms& norms, double max_grad_norm,
                          double multiplier, const std::function<void()>& before_writing) {
  const c10::AutoGradMode off(false);
  // As in clip_grad_norm_: the factor is at most 1, and a norm of 0 does not lead to a division by zero.
  const double divisor = max_grad_norm > 0 ? std::max(1.0, (norms.clipped + 1e-6) / max_grad_norm) : 1.0;
  std::vector<Update> updates;
  for (size_t i = 0; i < all_.size(); i++) {
    Trained& each = all_[i];
    const at::Tensor own = each.trainable ? gradient(i) : at::Tensor();
    if (!own.defined()) continue;
    updates.emplace_back(optimizer, each.value, own, norms.each[i], each.state, each.learning_rate * multiplier,
                         each.weight_decay, each.clip ? divisor : 1.0);
  }
  if (!std::all_of(updates.begin(), updates.end(), [](const Update& update) { return update.is_finite(); }))
    return false;
  before_writing();
  for (Update& update : updates) update.apply();
  return true;
}

std::vector<int32_t> ParameterSet::optimizer_steps() const {
  std::vector<int32_t> out;
  for (const Trained& each : all_) out.push_back(static_cast<int32_t>(each.state.steps));
  return out;
}

size_t ParameterSet::place_of(const std::string& name) const {
  const auto found =
      std::find_if(all_.begin(), all_.end(), [&](const Trained& each) { return each.info.name == name; });
  return static_cast<size_t>(found - all_.begin());
}

std::optional<at::Tensor> ParameterSet::find(const ParameterPart& part) const {
  const size_t place = place_of(part.parameter);
  if (place == all_.size()) return std::nullopt;
  const Trained& found = all_[place];
  if (part.value == ParameterValue::kKept) return found.kept.defined() ? std::optional(found.kept) : std::nullopt;
  const auto numbers = [&]() -> at::Tensor {
    switch (part.value) {
      case ParameterValue::kValue:
        return found.value;
      case ParameterValue::kGradient:
        return place == kWordTable ? word_.dense() : found.value.grad();
      case ParameterValue::kExpAvg:
        return found.state.exp_avg;
      case ParameterValue::kExpAvgSq:
        return found.state.exp_avg_sq;
      case ParameterValue::kKept:
        break;
    }
    throw unknown_value("value of a parameter");
  };
  const at::Tensor own = numbers();
  return own.defined() ? own.detach() : at::zeros_like(found.value.detach());
}

void ParameterSet::restore(const RestoreRequest& request, const std::function<void()>& before_writing,
                           const StopFlag& stop) {
  const c10::AutoGradMode off(false);
  if (request.steps.size() != all_.size())
    throw Error("ERR_CHECKPOINT", "The checkpoint and this trainer have different numbers of parameters.");
  WeightReader files(request.files, stop);
  std::vector<std::pair<at::Tensor*, at::Tensor>> moments;
  std::vector<std::pair<at::Tensor, at::Tensor>> values;
  for (const RestoreRequest::Item& item : request.parameters) {
    const size_t place = place_of(item.target.parameter);
    if (place == all_.size() || all_[place].value.sizes() != at::IntArrayRef(item.source.shape))
      throw Error("ERR_CHECKPOINT", "Parameter " + item.target.parameter + " does not match this trainer.");
    Trained& found = all_[place];
    const at::Tensor stored = files.read(item.source).to(found.value.device(), at::kFloat);
    switch (item.target.value) {
      case ParameterValue::kValue:
        values.emplace_back(found.value, stored);
        break;
      case ParameterValue::kExpAvg:
        moments.emplace_back(&found.state.exp_avg, stored);
        break;
      case ParameterValue::kExpAvgSq:
        moments.emplace_back(&found.state.exp_avg_sq, stored);
        break;
      case ParameterValue::kKept:
        moments.emplace_back(&found.kept, stored);
        break;
      case ParameterValue::kGradient:
        throw Error("ERR_INTERNAL", "Gradients cannot be restored.");
    }
  }
  before_writing();
  for (auto& [value, stored] : values) value.copy_(stored);
  for (auto& [moment, stored] : moments) *moment = std::move(stored);
  for (size_t i = 0; i < all_.size(); i++) {
    OptimizerState& state = all_[i].state;
    state.steps = request.steps[i];
    state.largest = std::numeric_limits<float>::infinity();
  }
}

void ParameterSet::keep(const std::vector<int32_t>& parameters) {
  const c10::AutoGradMode off(false);
  std::vector<at::Tensor> copies(all_.size());
  for (int32_t i : parameters) {
    if (i < 0 || i >= static_cast<int32_t>(all_.size()))
      throw Error("ERR_INTERNAL", "A parameter that is to be kept does not exist.");
    // The memory of an earlier copy is used again. Everything that can fail comes before the first value is written.
    copies[i] = all_[i].kept.defined() ? all_[i].kept : at::empty_like(all_[i].value.detach());
  }
  for (size_t i = 0; i < all_.size(); i++) {
    if (copies[i].defined()) copies[i].copy_(all_[i].value);
    all_[i].kept = std::move(copies[i]);
  }
}

void ParameterSet::revert(const std::function<void()>& before_writing) {
  const c10::AutoGradMode off(false);
  before_writing();
  for (Trained& each : all_) {
    if (!each.kept.defined()) continue;
    each.value.copy_(each.kept);
    each.kept.reset();
    each.state.largest = std::numeric_limits<float>::infinity();
  }
}

}  // namespace sentorch
