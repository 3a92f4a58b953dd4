#include "core/training/trainer.h"

#include <ATen/ops/exp.h>
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>

#include <chrono>
#include <cmath>
#include <numeric>

#include "core/checks.h"
#include "core/device.h"
#include "core/guard.h"

namespace sentorch {
namespace {

// Adds up the numbers over a group; without a group they stay as they are.
std::vector<double> summed(Collective* group, const std::vector<double>& numbers) {
  if (!group) return numbers;
  at::Tensor values = at::tensor(numbers, at::kDouble);
  group->sum(values);
  const double* data = static_cast<const double*>(values.data_ptr());
  return {data, data + values.numel()};
}

// The number of rows of a step that belong to members with a lower rank.
int64_t rows_before(Collective* group, size_t own) {
  if (!group) return 0;
  std::vector<double> counts(group->size(), 0);
  counts[group->rank()] = static_cast<double>(own);
  counts = summed(group, counts);
  return static_cast<int64_t>(std::accumulate(counts.begin(), counts.begin() + group->rank(), 0.0));
}

}  // namespace

// The sums of one step; in a group, the sums over all members.
struct Trainer::Step {
  std::vector<Labelled> labelled;  // per objective, over the whole window
  double loss = 0;
  std::vector<double> losses, correct;  // per objective
  GradientNorms norms;
  double examples = 0, tokens = 0;

  // Labelled items are counted before the losses are computed, because losses are divided by their number.
  void count(const std::vector<Labelled>& own, Collective* group) {
    std::vector<double> numbers;
    for (const Labelled& each : own) numbers.insert(numbers.end(), {each.items, each.divisor});
    numbers = summed(group, numbers);
    for (size_t i = 0; i < own.size(); i++) labelled.push_back({numbers[2 * i], numbers[2 * i + 1]});
    losses.assign(own.size(), 0);
    correct.assign(own.size(), 0);
  }

  void reduce(Collective* group) {
    if (!group) return;
    std::vector<double> numbers{loss, examples, tokens};
    numbers.insert(numbers.end(), losses.begin(), losses.end());
    numbers.insert(numbers.end(), correct.begin(), correct.end());
    numbers = summed(group, numbers);
    loss = numbers[0], examples = numbers[1], tokens = numbers[2];
    std::copy_n(numbers.begin() + 3, losses.size(), losses.begin());
    std::copy_n(numbers.begin() + 3 + losses.size(), correct.size(), correct.begin());
  }
};

Trainer::Trainer(const TrainingRequest& request, const Masters& masters, std::vector<Head>& heads,
                 const TokenLimits& limits, std::function<void()> changed, Collective* group)
    : request_(request),
      settings_{request.encoder.heads,         request.encoder.layer_norm_eps,   request.encoder.activation,
                request.encoder.word_padding,  request.encoder.position_padding, request.hidden_dropout,
                request.attention_dropout,     request.attention_output_dropout, scalar_type(request.dtype),
                request.gradient_checkpointing},
      masters_(masters),
      limits_(limits),
      changed_(std::move(changed)),
      group_(group),
      parameters_(masters) {
  const ObjectiveContext context{heads, request.dense, request.encoder.hidden_size};
  const auto add = [this](const ParameterInfo& info, const at::Tensor& value) { parameters_.add(info, value); };
  for (const ObjectiveSource& source : request.objectives) {
    objectives_.push_back(make_objective(source, objectives_.size(), context));
    if (const Head* head = objectives_.back()->head()) visit(*head, add);
  }
  if (!request.uncertainty) return;
  for (const auto& objective : objectives_) {
    const Head* head = objective->head();
    uncertainty_.push_back(at::zeros({}, at::kFloat));
    parameters_.add({"uncertainty." + objective->name(), {}, Part::kUncertainty, -1, head ? head->source.name : ""},
                    uncertainty_.back());
  }
}

std::vector<ParameterInfo> Trainer::parameters() const {
  return guarded([&] { return parameters_.info(); });
}

void Trainer::set_groups(const std::vector<GroupSource>& groups) {
  guarded([&] {
    parameters_.set_groups(groups);
    if (parameters_.encoder_trains()) cache_.reset();
  });
}

void Trainer::set_corpus(CorpusRequest request) {
  guarded([&] {
    check_rows(request.rows);
    if (request.targets.size() != objectives_.size())
      throw Error("ERR_INTERNAL", "The corpus must have one array of targets for each objective.");
    for (size_t i = 0; i < objectives_.size(); i++) objectives_[i]->check(request.targets[i], request.rows);
    cache_.reset();
    corpus_ = std::move(request.rows);
    targets_ = std::move(request.targets);
  });
}

TrainResult Trainer::train(const TrainRequest& request, const StopFlag& stop, const Waiting& waiting) {
  return guarded([&] {
    using Clock = std::chrono::steady_clock;
    check_plan(request);
    if (request.weights && request.weights->size() != objectives_.size())
      throw Error("ERR_INTERNAL", "A call must have one weight for each objective.");
    weights_ = request.weights;
    const c10::AutoGradMode gradients(true);
    const auto end = Clock::now() + std::chrono::duration<double, std::milli>(request.milliseconds);
    const int64_t steps = static_cast<int64_t>(request.steps.size()) - 1;
    TrainResult result;
    // Every step that was run must be reported, so nothing is allocated between a step and its record.
    result.loss.reserve(steps);
    result.losses.reserve(steps * objectives_.size());
    result.items.reserve(steps * objectives_.size());
    result.correct.reserve(steps * objectives_.size());
    result.gradient_norm.reserve(steps);
    result.uncertainty.reserve(uncertainty_.size());
    while (result.steps < steps) {
      Step step;
      bool finite;
      try {
        parameters_.drop_gradients();
        run(request, result.steps, step, stop);
        finite = std::isfinite(step.loss) && step.norms.finite();
        if (request.apply && finite) {
          finite = parameters_.update(request_.optimizer, step.norms, request_.max_grad_norm,
                                      request.multipliers.at(result.steps), changed_);
        }
      } catch (...) {
        parameters_.drop_gradients();
        // The steps so far are reported; the next call meets the same error again.
        if (result.steps > 0) break;
        throw;
      }
      if (request.apply || !finite) parameters_.drop_gradients();
      result.loss.push_back(step.loss);
      result.losses.insert(result.losses.end(), step.losses.begin(), step.losses.end());
      for (const Labelled& each : step.labelled) result.items.push_back(each.items);
      result.correct.insert(result.correct.end(), step.correct.begin(), step.correct.end());
      result.gradient_norm.push_back(step.norms.clipped);
      result.examples += static_cast<int64_t>(step.examples);
      result.tokens += static_cast<int64_t>(step.tokens);
      result.steps++;
      if (!finite) {
        result.skipped = true;
        break;
      }
      if (!agreed(Clock::now() < end && waiting.load(std::memory_order_relaxed) == 0)) break;
    }
    for (const at::Tensor& s : uncertainty_) result.uncertainty.push_back(s.item<double>());
    return result;
  });
}

bool Trainer::agreed(bool proceed) const {
  return group_ ? summed(group_, {proceed ? 1.0 : 0.0})[0] == static_cast<double>(group_->size()) : proceed;
}

std::vector<int32_t> Trainer::rows_between(const TrainRequest& request, int64_t begin, int64_t end) const {
  std::vector<int32_t> rows(request.order.begin() + begin, request.order.begin() + end);
  for (int32_t row : rows) {
    if (row < 0 || row >= corpus_.count())
      throw Error("ERR_INTERNAL", "There is no row " + std::to_string(row) + " in the corpus.");
  }
  return rows;
}

void Trainer::run(const TrainRequest& request, int64_t index, Step& step, const StopFlag& stop) {
  const int64_t first = request.steps.at(index), last = request.steps.at(index + 1);
  const std::vector<int32_t> all = rows_between(request, request.batches.at(first), request.batches.at(last));
  std::vector<Labelled> own;
  for (size_t i = 0; i < objectives_.size(); i++) own.push_back(objectives_[i]->count(targets_.at(i), corpus_, all));
  step.count(own, group_);
  int64_t row = rows_before(group_, all.size());
  for (int64_t b = first; b < last; b++) {
    const std::vector<int32_t> rows = rows_between(request, request.batches.at(b), request.batches.at(b + 1));
    micro_batch(rows, row, request.first_step + index, step, stop);
    row += static_cast<int64_t>(rows.size());
  }
  step.reduce(group_);
  if (group_) parameters_.reduce_gradients(*group_);
  step.norms = parameters_.gradient_norms();
}

void Trainer::micro_batch(const std::vector<int32_t>& rows, int64_t first_row, int64_t number, Step& step,
                          const StopFlag& stop) {
  stop_if(stop);
  const MicroBatch batch = assemble(corpus_, rows, limits_);
  const Dropout dropout(request_.seed, number, first_row, batch);
  WordRows words;
  const at::Tensor hidden =
      parameters_.encoder_trains() ? states(batch, words, dropout, stop) : frozen_states(batch, stop);
  BatchStates of{batch, hidden, SentenceVectors::for_training(hidden, batch, masters_.dense), dropout};
  at::Tensor total;
  for (size_t i = 0; i < objectives_.size(); i++) {
    const at::Tensor part = weighted(i, objectives_[i]->loss(targets_[i], corpus_, of), step);
    if (part.defined()) total = total.defined() ? total + part : part;
  }
  step.examples += static_cast<double>(batch.size());
  step.tokens += static_cast<double>(batch.tokens());
  if (!total.defined()) return;
  step.loss += total.item<double>();
  stop_if(stop);
  if (total.requires_grad()) total.backward();
  if (words.values.defined()) parameters_.word_gradient().add(words);
}

at::Tensor Trainer::states(const MicroBatch& batch, WordRows& words, const Dropout& dropout, const StopFlag& stop) {
  words = word_rows(masters_.word.value, batch, settings_.word_padding, parameters_.word_trains());
  return training_forward(masters_, settings_, words, batch, dropout, stop).to(at::kCPU).contiguous();
}

at::Tensor Trainer::frozen_states(const MicroBatch& batch, const StopFlag& stop) {
  const c10::AutoGradMode off(false);
  if (!cache_) cache_.emplace(corpus_, masters_.word.value.size(1), request_.cache_bytes);
  return cache_->states(batch, [&](const std::vector<int32_t>& rows) {
    WordRows words;
    return states(assemble(corpus_, rows, limits_), words, Dropout::off(), stop);
  });
}

at::Tensor Trainer::weighted(size_t i, const ObjectiveLoss& own, Step& step) {
  const Labelled& all = step.labelled[i];
  step.correct[i] += own.correct;
  if (!own.sum.defined() || all.divisor <= 0) return {};
  const double weight = weights_ ? (*weights_)[i] : objectives_[i]->weight();
  const at::Tensor loss = own.sum / all.divisor;
  step.losses[i] += loss.item<double>();
  if (!request_.uncertainty) return weight == 0 ? at::Tensor() : loss * weight;
  const at::Tensor& s = uncertainty_[i];
  // Each micro-batch contributes the share of ½·s that it has of the items, so that a step contributes ½·s once.
  return 0.5 * at::exp(-s) * (loss * weight) + 0.5 * s * (own.items / all.items);
}

std::vector<int32_t> Trainer::optimizer_steps() const {
  return guarded([&] { return parameters_.optimizer_steps(); });
}

std::optional<at::Tensor> Trainer::find(const ParameterPart& part) const { return parameters_.find(part); }

void Trainer::restore(const RestoreRequest& request, const StopFlag& stop) {
  guarded([&] { parameters_.restore(request, before_writing(), stop); });
}

void Trainer::keep(const std::vector<int32_t>& parameters) {
  guarded([&] { parameters_.keep(parameters); });
}

void Trainer::revert() {
  guarded([&] { parameters_.revert(before_writing()); });
}

std::function<void()> Trainer::before_writing() {
  return [this] {
    changed_();
    cache_.reset();
  };
}

}  // namespace sentorch
