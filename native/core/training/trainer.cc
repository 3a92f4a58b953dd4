#include "core/training/trainer.h"

#include <ATen/ops/exp.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/checks.h"
#include "core/guard.h"
#include "core/training/vectors.h"

namespace sentorch {
namespace {

constexpr size_t kWordTable = 0;  // the first of the masters' parameters

// Dropout in heads: behind every site of the encoder.
uint64_t head_site(size_t task, size_t layer) { return (uint64_t{1} << 32) + (uint64_t{task} << 16) + layer; }

bool in_encoder(Part part) { return part == Part::kEmbeddings || part == Part::kLayer || part == Part::kRelativeBias; }

}  // namespace

// What one step adds up.
struct Trainer::Step {
  std::vector<Labelled> labelled;  // per task and target, over the whole window
  std::vector<bool> counted;       // whether ½·s is in the total already
  double loss = 0;
  std::vector<double> losses;
  std::vector<double> correct;  // per task
  std::vector<double> norms;    // of each parameter's gradient, 0 where there is none
  double norm = 0;              // of all that are clipped together
  bool finite_rest = true;      // whether the others are finite
  int64_t examples = 0;
  int64_t tokens = 0;
};

Trainer::Trainer(const TrainingRequest& request, const Masters& masters, std::vector<Head>& heads,
                 const TokenLimits& limits, std::function<void()> changed)
    : request_(request),
      settings_{
          request.encoder.heads,         request.encoder.layer_norm_eps,   request.encoder.activation,
          request.encoder.word_padding,  request.encoder.position_padding, request.hidden_dropout,
          request.attention_dropout,     request.attention_output_dropout, request.dtype == ComputeType::kBFloat16,
          request.gradient_checkpointing},
      masters_(masters),
      limits_(limits),
      changed_(std::move(changed)),
      word_(masters.word) {
  for (const DenseSource& dense : request.dense) dense_activations_.push_back(dense.activation);
  for (const NamedParameter& named : masters.named) parameters_.push_back({named});
  for (const TaskSource& task : request.tasks) {
    Head& head = head_named(heads, task.head);
    check_task(task, head.source);
    tasks_.push_back({task, &head});
    for (NamedParameter& named : named_parameters(head)) parameters_.push_back({std::move(named)});
  }
  if (!request.uncertainty) return;
  for (size_t i = 0; i < request.tasks.size() + request.targets.size(); i++) {
    const bool task = i < request.tasks.size();
    const std::string name = task ? request.tasks[i].head : "target:" + std::to_string(i - request.tasks.size());
    uncertainty_.push_back(at::zeros({}, at::kFloat));
    parameters_.push_back({{{"uncertainty." + name, {}, Part::kUncertainty, -1, task ? name : ""}, uncertainty_[i]}});
  }
}

Trainer::~Trainer() {
  drop_gradients();
  for (TrainedParameter& p : parameters_) p.named.value.set_requires_grad(false);
}

std::vector<ParameterInfo> Trainer::parameters() const {
  return guarded([&] {
    std::vector<ParameterInfo> out;
    for (const TrainedParameter& p : parameters_) out.push_back(p.named.info);
    return out;
  });
}

void Trainer::set_groups(const std::vector<GroupSource>& groups) {
  guarded([&] {
    std::vector<bool> seen(parameters_.size(), false);
    for (const GroupSource& group : groups) {
      for (int64_t i : group.parameters) {
        if (i < 0 || i >= static_cast<int64_t>(seen.size()) || seen[i])
          throw Error("ERR_INTERNAL", "A group names a parameter that is not there, or is in two groups.");
        seen[i] = true;
      }
    }
    // First what can fail. Until the rest is done, one that requires a gradient without being trained does no harm.
    for (size_t i = 0; i < parameters_.size(); i++) {
      if (seen[i] && i != kWordTable) parameters_[i].named.value.set_requires_grad(true);
    }
    for (TrainedParameter& p : parameters_) p.trainable = false;
    for (const GroupSource& group : groups) {
      for (int64_t i : group.parameters) {
        TrainedParameter& p = parameters_[i];
        p.trainable = true;
        p.clip = group.clip;
        p.learning_rate = group.learning_rate;
        p.weight_decay = group.weight_decay;
      }
    }
    drop_gradients();
    for (TrainedParameter& p : parameters_) {
      if (p.trainable) continue;
      p.named.value.set_requires_grad(false);
      p.state = {};
    }
    if (!parameters_[kWordTable].trainable) word_.release();
    if (encoder_trains()) cache_.reset();
  });
}

void Trainer::set_corpus(CorpusRequest request) {
  guarded([&] {
    cache_.reset();
    std::vector<int64_t> dimensions;
    for (const TargetSource& target : request_.targets)
      dimensions.push_back(checked_dimension(target.vectors, masters_.word.size(1), request_.dense));
    corpus_ = Corpus(std::move(request), tasks_, dimensions);
  });
}

TrainResult Trainer::train(const TrainRequest& request, const StopFlag& stop, const Waiting& waiting) {
  return guarded([&] {
    using Clock = std::chrono::steady_clock;
    check_plan(request);
    const c10::AutoGradMode gradients(true);
    const auto end = Clock::now() + std::chrono::duration<double, std::milli>(request.milliseconds);
    const int64_t steps = static_cast<int64_t>(request.steps.size()) - 1;
    TrainResult result;
    // What was done must be told whatever comes: from here on nothing is allocated between a step and its record.
    const size_t terms = tasks_.size() + request_.targets.size();
    result.loss.reserve(steps);
    result.losses.reserve(steps * terms);
    result.items.reserve(steps * terms);
    result.correct.reserve(steps * tasks_.size());
    result.gradient_norm.reserve(steps);
    while (result.steps < steps) {
      Step step;
      bool finite;
      try {
        drop_gradients();
        run(request, result.steps, step, stop);
        finite = std::isfinite(step.loss) && std::isfinite(step.norm) && step.finite_rest;
        if (request.apply && finite) finite = apply(step, request.multipliers.at(result.steps));
      } catch (...) {
        drop_gradients();
        // What was done is told; what stopped it comes again with the next call.
        if (result.steps > 0) break;
        throw;
      }
      if (request.apply || !finite) drop_gradients();
      result.loss.push_back(step.loss);
      result.losses.insert(result.losses.end(), step.losses.begin(), step.losses.end());
      for (const Labelled& term : step.labelled) result.items.push_back(term.items);
      result.correct.insert(result.correct.end(), step.correct.begin(), step.correct.end());
      result.gradient_norm.push_back(step.norm);
      result.examples += step.examples;
      result.tokens += step.tokens;
      result.steps++;
      if (!finite) {
        result.skipped = true;
        break;
      }
      if (Clock::now() >= end || waiting.load(std::memory_order_relaxed) > 0) break;
    }
    return result;
  });
}

void Trainer::run(const TrainRequest& request, int64_t index, Step& step, const StopFlag& stop) {
  const auto rows_between = [&](int64_t begin, int64_t end) {
    std::vector<int32_t> rows(request.order.begin() + begin, request.order.begin() + end);
    for (int32_t row : rows) corpus_.check_row(row);
    return rows;
  };
  const int64_t first = request.steps.at(index), last = request.steps.at(index + 1);
  const std::vector<int32_t> all = rows_between(request.batches.at(first), request.batches.at(last));
  for (size_t t = 0; t < tasks_.size(); t++)
    step.labelled.push_back(labelled(tasks_[t].source, corpus_.labels(t, tasks_[t], all)));
  for (size_t t = 0; t < request_.targets.size(); t++) {
    const double items = static_cast<double>(corpus_.with_target(t, all).size());
    const bool numbers = request_.targets[t].loss == TargetLoss::kMse;
    step.labelled.push_back({items, numbers ? items * corpus_.dimension(t) : items});
  }
  step.counted.assign(step.labelled.size(), false);
  step.losses.assign(step.labelled.size(), 0);
  step.correct.assign(tasks_.size(), 0);
  for (int64_t b = first; b < last; b++) {
    const Dropout dropout(request_.seed, request.first_step + index, b - first);
    micro_batch(rows_between(request.batches.at(b), request.batches.at(b + 1)), dropout, step, stop);
  }
  measure_gradients(step);
}

void Trainer::micro_batch(const std::vector<int32_t>& rows, const Dropout& dropout, Step& step, const StopFlag& stop) {
  stop_if(stop);
  const MicroBatch batch = assemble(corpus_.rows(), rows, limits_);
  WordRows words;
  const at::Tensor hidden = encoder_trains() ? states(batch, words, dropout, stop) : frozen_states(batch, stop);
  at::Tensor total;
  const auto add = [&](const at::Tensor& loss) {
    if (loss.defined()) total = total.defined() ? total + loss : loss;
  };
  for (size_t t = 0; t < tasks_.size(); t++) add(head_loss(t, hidden, batch, dropout, step));
  for (size_t t = 0; t < request_.targets.size(); t++) {
    const TargetSource& target = request_.targets[t];
    const std::vector<int64_t> which = corpus_.with_target(t, rows);
    if (which.empty()) continue;
    const at::Tensor vectors = training_vectors(hidden, batch, target.vectors, masters_.dense, dense_activations_)
                                   .index_select(0, at::tensor(which, at::kLong));
    add(weighted(tasks_.size() + t, target_loss(target.loss, vectors, corpus_.targets(t, rows, which)), step));
  }
  step.examples += batch.size();
  step.tokens += batch.tokens();
  if (!total.defined()) return;
  step.loss += total.item<double>();
  stop_if(stop);
  if (total.requires_grad()) total.backward();
  if (words.values.defined()) word_.add(words);
}

at::Tensor Trainer::states(const MicroBatch& batch, WordRows& words, const Dropout& dropout, const StopFlag& stop) {
  words = word_rows(masters_.word, batch, settings_.word_padding, parameters_[kWordTable].trainable);
  return training_forward(masters_, settings_, words, batch, dropout, stop).to(at::kCPU).contiguous();
}

at::Tensor Trainer::frozen_states(const MicroBatch& batch, const StopFlag& stop) {
  const c10::AutoGradMode off(false);
  if (!cache_) cache_.emplace(corpus_.rows(), masters_.word.size(1), request_.cache_bytes);
  return cache_->states(batch, [&](const std::vector<int32_t>& rows) {
    WordRows words;
    return states(assemble(corpus_.rows(), rows, limits_), words, Dropout::off(), stop);
  });
}

at::Tensor Trainer::head_loss(size_t t, const at::Tensor& states, const MicroBatch& batch, const Dropout& dropout,
                              Step& step) {
  const Task& task = tasks_[t];
  std::vector<int32_t> labels = corpus_.labels(t, task, batch.rows);
  at::Tensor input;
  if (task.tokens()) {
    // Only words' first tokens have labels: the head need not see the others.
    KnownLabels known = known_labels(labels);
    if (known.places.empty()) return {};
    input = states.index_select(0, at::tensor(known.places, at::kLong));
    labels = std::move(known.labels);
  } else {
    input = training_vectors(states, batch, task.head->source.vectors, masters_.dense, dense_activations_);
  }
  const at::Tensor logits = head_forward(*task.head, input, [&](const at::Tensor& x, size_t layer) {
    return dropout(x, layer == 0 ? task.source.input_dropout : task.source.dropout, head_site(t, layer));
  });
  const TaskLoss loss = task_loss(task.source, logits, labels);
  step.correct[t] += loss.correct;
  return loss.sum.defined() ? weighted(t, loss.sum, step) : at::Tensor();
}

// The part of the total that a sum of losses is.
at::Tensor Trainer::weighted(size_t term, const at::Tensor& sum, Step& step) {
  const double weight =
      term < tasks_.size() ? tasks_[term].source.weight : request_.targets[term - tasks_.size()].weight;
  if (step.labelled[term].divisor <= 0) return {};
  const at::Tensor loss = sum / step.labelled[term].divisor;
  step.losses[term] += loss.item<double>();
  if (!request_.uncertainty) return weight == 0 ? at::Tensor() : loss * weight;
  const at::Tensor& s = uncertainty_[term];
  at::Tensor out = 0.5 * at::exp(-s) * (loss * weight);
  if (!step.counted[term]) out = out + 0.5 * s;
  step.counted[term] = true;
  return out;
}

at::Tensor Trainer::gradient_of(size_t parameter) const {
  return parameter == kWordTable ? word_.touched() : parameters_[parameter].named.value.grad();
}

void Trainer::measure_gradients(Step& step) const {
  step.norms.assign(parameters_.size(), 0);
  double squares = 0;
  for (size_t i = 0; i < parameters_.size(); i++) {
    if (!parameters_[i].trainable) continue;
    const at::Tensor gradient = gradient_of(i);
    if (!gradient.defined()) continue;
    const double norm = step.norms[i] = at::linalg_vector_norm(gradient).item<double>();
    if (parameters_[i].clip) {
      squares += norm * norm;
    } else {
      step.finite_rest = step.finite_rest && std::isfinite(norm);
    }
  }
  step.norm = std::sqrt(squares);
}

bool Trainer::apply(const Step& step, double multiplier) {
  const c10::AutoGradMode off(false);
  const double most = request_.max_grad_norm;
  // As clip_grad_norm_: the factor is at most 1, and a norm of 0 divides by nothing.
  const double divisor = most > 0 ? std::max(1.0, (step.norm + 1e-6) / most) : 1.0;
  std::vector<Update> updates;
  for (size_t i = 0; i < parameters_.size(); i++) {
    TrainedParameter& p = parameters_[i];
    if (!p.trainable) continue;
    const at::Tensor& gradient = i == kWordTable ? word_.dense() : p.named.value.grad();
    if (!gradient.defined() || (i == kWordTable && word_.empty())) continue;
    updates.emplace_back(request_.optimizer, p.named.value, gradient, step.norms[i], p.state,
                         p.learning_rate * multiplier, p.weight_decay, p.clip ? divisor : 1.0);
  }
  if (!std::all_of(updates.begin(), updates.end(), [](const Update& update) { return update.is_finite(); }))
    return false;
  changed_();
  for (Update& update : updates) update.apply();
  return true;
}

void Trainer::drop_gradients() noexcept {
  for (TrainedParameter& p : parameters_) {
    if (p.named.value.grad().defined()) p.named.value.mutable_grad().reset();
  }
  word_.clear();
}

bool Trainer::encoder_trains() const {
  return std::any_of(parameters_.begin(), parameters_.end(),
                     [](const TrainedParameter& p) { return p.trainable && in_encoder(p.named.info.part); });
}

std::vector<int32_t> Trainer::optimizer_steps() const {
  return guarded([&] {
    std::vector<int32_t> out;
    for (const TrainedParameter& p : parameters_) out.push_back(static_cast<int32_t>(p.state.steps));
    return out;
  });
}

std::optional<at::Tensor> Trainer::find(const ParameterPart& part) const {
  for (size_t i = 0; i < parameters_.size(); i++) {
    const TrainedParameter& p = parameters_[i];
    if (p.named.info.name != part.parameter) continue;
    at::Tensor found = p.named.value;
    if (part.value == ParameterValue::kGradient) found = i == kWordTable ? word_.dense() : p.named.value.grad();
    if (part.value == ParameterValue::kExpAvg) found = p.state.exp_avg;
    if (part.value == ParameterValue::kExpAvgSq) found = p.state.exp_avg_sq;
    return found.defined() ? found.detach() : at::zeros_like(p.named.value.detach());
  }
  return std::nullopt;
}

void Trainer::restore(const RestoreRequest& request, const StopFlag& stop) {
  guarded([&] {
    const c10::AutoGradMode off(false);
    if (request.steps.size() != parameters_.size())
      throw Error("ERR_CHECKPOINT", "The checkpoint does not have as many parameters as this training.");
    // All is read before anything changes.
    WeightReader files(request.files, stop);
    std::vector<std::pair<at::Tensor*, at::Tensor>> moments;
    std::vector<std::pair<at::Tensor, at::Tensor>> values;
    for (const RestoreRequest::Item& item : request.parameters) {
      const auto found = std::find_if(parameters_.begin(), parameters_.end(), [&](const TrainedParameter& p) {
        return p.named.info.name == item.target.parameter;
      });
      if (found == parameters_.end() || found->named.value.sizes() != at::IntArrayRef(item.source.shape)) {
        throw Error("ERR_CHECKPOINT", "Parameter " + item.target.parameter + " does not fit this training.");
      }
      const at::Tensor stored = files.read(item.source).to(found->named.value.device(), at::kFloat);
      switch (item.target.value) {
        case ParameterValue::kValue:
          values.emplace_back(found->named.value, stored);
          break;
        case ParameterValue::kExpAvg:
          moments.emplace_back(&found->state.exp_avg, stored);
          break;
        case ParameterValue::kExpAvgSq:
          moments.emplace_back(&found->state.exp_avg_sq, stored);
          break;
        case ParameterValue::kGradient:
          throw Error("ERR_INTERNAL", "Gradients are not restored.");
      }
    }
    changed_();
    cache_.reset();
    for (auto& [value, stored] : values) value.copy_(stored);
    for (auto& [moment, stored] : moments) *moment = std::move(stored);
    for (size_t i = 0; i < parameters_.size(); i++) {
      OptimizerState& state = parameters_[i].state;
      state.steps = request.steps[i];
      state.largest = std::numeric_limits<float>::infinity();
    }
  });
}

}  // namespace sentorch
