#include <condition_variable>
#include <mutex>
#include <thread>

#include "core/heads/kind.h"
#include "core/training/trainer.h"
#include "support/tiny_model.h"

namespace sentorch::test {
namespace {

const std::vector<int32_t> kAll{0, 1, 2, 3, 4, 5, 6};

// A trainer on a tiny model with a head of each kind and a vector objective, without EncoderModel, so that the test can
// use the masters.
struct Run {
  TinyModel model;
  std::vector<Head> heads;
  Masters masters;
  std::unique_ptr<Trainer> trainer;
  std::vector<ParameterInfo> parameters;

  using Change = void (*)(TrainingRequest&);

  explicit Run(Change change = nullptr, Collective* group = nullptr) : model(1, true) {
    heads = {make_head(classification_head("intent", 3), kNeverStops), make_head(token_head("slots", 4), kNeverStops)};
    masters = read_masters(model.encoder, model.dense, {model.file.path()}, at::kCPU, kNeverStops);
    HeadObjectiveSource intent = head_objective("intent"), slots = head_objective("slots");
    intent.class_weights = {1, 2, 0.5};
    slots.label_smoothing = 0.1;
    VectorObjectiveSource vectors{"target:0", mean_vectors(), VectorLoss::kCosine, 0.3};
    vectors.vectors.steps = {int64_t{0}};
    TrainingRequest request = model.training_request({intent, slots, vectors});
    if (change) change(request);
    const TokenLimits limits{TinyModel::kVocabulary, TinyModel::kPositions, -1};
    trainer = std::make_unique<Trainer>(
        request, masters, heads, limits, [] {}, group);
    parameters = trainer->parameters();
    GroupSource everything{{}, 1e-2, 0.01, true};
    for (size_t i = 0; i < parameters.size(); i++) everything.parameters.push_back(static_cast<int64_t>(i));
    trainer->set_groups({everything});
    trainer->set_corpus(corpus());
  }

  static CorpusRequest corpus() {
    Numbers numbers(10);
    const Rows rows = rows_of(numbers, {4, 2, 6, 3, 3, 5, 1});
    std::vector<int32_t> intents{0, 2, -100, 1, 1, -100, 0}, slots;
    for (size_t t = 0; t < rows.ids.size(); t++) slots.push_back(t % 3 == 1 ? -100 : static_cast<int32_t>(t % 4));
    std::vector<float> vectors = numbers.some(7 * 6);
    vectors[6] = NAN;  // the second row has no target
    return {rows, {intents, slots, vectors}};
  }

  TrainResult step(const std::vector<int32_t>& rows, const std::vector<int32_t>& sizes, bool apply = false) {
    return trainer->train(one_step(rows, sizes, apply), kNeverStops, kNobodyWaits);
  }

  std::vector<float> read(ParameterValue value, const std::string& name) const {
    return numbers_of(*trainer->find({value, name}));
  }
};

void with_dropout(TrainingRequest& request) {
  request.hidden_dropout = request.attention_dropout = request.attention_output_dropout = 0.2;
  for (ObjectiveSource& each : request.objectives) {
    if (auto* head = std::get_if<HeadObjectiveSource>(&each)) head->input_dropout = head->dropout = 0.2;
  }
  request.uncertainty = true;
}

void check_same_gradients(const Run& got, const Run& expected, double tolerance) {
  REQUIRE(got.parameters.size() == expected.parameters.size());
  for (const ParameterInfo& each : expected.parameters) {
    CAPTURE(each.name);
    check_close(got.read(ParameterValue::kGradient, each.name), expected.read(ParameterValue::kGradient, each.name),
                tolerance);
  }
}

// A group whose members are threads of this process.
struct Meeting {
  explicit Meeting(int64_t members) : size(members), given(members) {}

  void sum(int64_t rank, at::Tensor& values) {
    std::unique_lock lock(mutex);
    given[rank] = values;
    const int64_t round = rounds;
    if (++arrived == size) {
      total = given[0].clone();
      for (int64_t i = 1; i < size; i++) total.add_(given[i]);
      arrived = 0;
      rounds++;
      everybody.notify_all();
    } else {
      everybody.wait(lock, [&] { return rounds > round; });
    }
    values.copy_(total);
    // The next round begins when all members have read this one.
    if (++read == size) {
      read = 0;
      reads++;
      everybody.notify_all();
    } else {
      everybody.wait(lock, [&] { return reads > round; });
    }
  }

  const int64_t size;
  std::vector<at::Tensor> given;
  at::Tensor total;
  int64_t arrived = 0, rounds = 0, read = 0, reads = 0;
  std::mutex mutex;
  std::condition_variable everybody;
};

class Member final : public Collective {
 public:
  Member(Meeting& meeting, int64_t rank) : meeting_(meeting), rank_(rank) {}
  int64_t rank() const override { return rank_; }
  int64_t size() const override { return meeting_.size; }
  void sum(at::Tensor& values) override { meeting_.sum(rank_, values); }

 private:
  Meeting& meeting_;
  int64_t rank_;
};

}  // namespace

TEST_CASE("training: gradients are the slopes of the loss, parameter by parameter") {
  Run run;
  run.step(kAll, {7});
  Numbers numbers(11);
  const auto slope_matches = [&](const ParameterInfo& info, const at::Tensor& value) {
    CAPTURE(info.name);
    const at::Tensor direction = numbers.tensor(value.sizes());
    const double length = std::sqrt(direction.square().sum().item<double>());
    const auto gradient = run.read(ParameterValue::kGradient, info.name), along = numbers_of(direction);
    double slope = 0;
    for (size_t i = 0; i < along.size(); i++) slope += double(gradient[i]) * along[i] / length;
    const at::Tensor before = value.detach().clone();
    const double h = 2e-2;
    double loss[2];
    for (int side = 0; side < 2; side++) {
      {
        const c10::AutoGradMode off(false);
        value.copy_(before + direction * ((side ? h : -h) / length));
      }
      loss[side] = run.step(kAll, {7}).loss[0];
    }
    const c10::AutoGradMode off(false);
    value.copy_(before);
    // float32 losses of about 3 differ by their rounding, 2e-7, over 4e-2; the rest is curvature.
    CHECK(std::abs((loss[1] - loss[0]) / (2 * h) - slope) < 2e-3 + 2e-3 * std::abs(slope));
    run.step(kAll, {7});
  };
  visit(run.masters, slope_matches);
  for (const Head& head : run.heads) visit(head, slope_matches);
}

TEST_CASE("training: gradients do not depend on how a step is cut, with dropout either") {
  Run whole(with_dropout), parts(with_dropout), recomputed([](TrainingRequest& request) {
    with_dropout(request);
    request.gradient_checkpointing = true;
  });
  const TrainResult expected = whole.step(kAll, {7});
  for (const std::vector<int32_t>& sizes : {std::vector<int32_t>{1, 1, 1, 1, 1, 1, 1}, {2, 4, 1}, {6, 1}}) {
    const TrainResult got = parts.step(kAll, sizes);
    CHECK(got.loss[0] == doctest::Approx(expected.loss[0]).epsilon(2e-6));
    CHECK(got.items == expected.items);
    check_same_gradients(parts, whole, 2e-6);
  }
  recomputed.step(kAll, {2, 5});
  check_same_gradients(recomputed, whole, 2e-6);
}

TEST_CASE("training: two members of a group have the gradients, the report and the weights of one") {
  Run alone(with_dropout);
  Meeting meeting(2);
  Member first(meeting, 0), second(meeting, 1);
  Run left(with_dropout, &first), right(with_dropout, &second);
  const auto together = [](const std::function<void()>& one, const std::function<void()>& other) {
    std::thread thread(other);
    one();
    thread.join();
  };
  // Rows 5 and 6 belong to the second member: no label of the first kind, and words that the first member does not
  // have.
  const TrainResult expected = alone.step(kAll, {7});
  TrainResult one, other;
  together([&] { one = left.step({0, 1, 2, 3, 4}, {2, 3}); }, [&] { other = right.step({5, 6}, {2}); });
  for (const TrainResult* got : {&one, &other}) {
    CHECK(got->loss[0] == doctest::Approx(expected.loss[0]).epsilon(2e-6));
    check_close(got->losses, expected.losses, 2e-6);
    CHECK(got->items == expected.items);
    CHECK(got->correct == expected.correct);
    CHECK(got->examples == 7);
    CHECK(got->tokens == expected.tokens);
    CHECK(got->gradient_norm[0] == doctest::Approx(expected.gradient_norm[0]).epsilon(1e-5));
  }
  check_same_gradients(left, alone, 2e-6);
  check_same_gradients(right, alone, 2e-6);

  alone.step(kAll, {7}, true);
  together([&] { left.step({0, 1, 2, 3, 4}, {5}, true); }, [&] { right.step({5, 6}, {1, 1}, true); });
  for (const ParameterInfo& each : alone.parameters) {
    CAPTURE(each.name);
    const auto mine = left.read(ParameterValue::kValue, each.name);
    CHECK(mine == right.read(ParameterValue::kValue, each.name));
    // Adam divides by the size of the gradient; if that is near 0, the update is only its rounding.
    if (each.name != "layer.0.key.bias" && each.name != "layer.1.key.bias")
      check_close(mine, alone.read(ParameterValue::kValue, each.name), 2e-4);
  }
}

TEST_CASE("training: members agree on the number of steps of a call") {
  Meeting meeting(2);
  Member first(meeting, 0), second(meeting, 1);
  Run left(nullptr, &first), right(nullptr, &second);
  TrainRequest plan = one_step({0, 1, 0, 1, 0, 1}, {2, 2, 2}, true);
  plan.steps = {0, 1, 2, 3};
  plan.multipliers = {1, 1, 1};
  TrainRequest hurried = plan;
  hurried.milliseconds = 0;
  TrainResult one, other;
  std::thread thread([&] { other = right.trainer->train(hurried, kNeverStops, kNobodyWaits); });
  one = left.trainer->train(plan, kNeverStops, kNobodyWaits);
  thread.join();
  CHECK(one.steps == 1);
  CHECK(other.steps == 1);
}

TEST_CASE("training: a step changes what it should and nothing else") {
  Run run;
  const auto word = [&] { return run.read(ParameterValue::kValue, "word"); };
  const auto before = word();
  const auto unused = run.read(ParameterValue::kValue, "dense.0.weight");
  run.step({0, 1}, {2}, true);
  CHECK(word() != before);
  CHECK(run.read(ParameterValue::kValue, "dense.0.weight") != unused);
  // Only weight decay changes the rows of the padding token and of tokens that did not occur in a step.
  for (int64_t i = 0; i < TinyModel::kHidden; i++)
    CHECK(word()[i] == doctest::Approx(before[i] * (1 - 1e-4)).epsilon(1e-6));
  CHECK(run.trainer->optimizer_steps() == std::vector<int32_t>(run.parameters.size(), 1));
}

TEST_CASE("training: kept values come back, bit by bit and without their later changes") {
  Run run;
  const auto word = [&] { return run.read(ParameterValue::kValue, "word"); };
  const auto layer = [&] { return run.read(ParameterValue::kValue, run.parameters[5].name); };
  run.step({0, 1}, {2}, true);
  const auto word_before = word(), layer_before = layer();
  run.trainer->keep({0, 5});
  run.step({0, 1}, {2}, true);
  const auto word_between = word();
  REQUIRE(word_between != word_before);
  CHECK(run.read(ParameterValue::kKept, "word") == word_before);
  CHECK_FALSE(run.trainer->find({ParameterValue::kKept, run.parameters[4].name}));
  run.trainer->revert();
  CHECK(word() == word_before);
  CHECK(layer() == layer_before);
  CHECK_FALSE(run.trainer->find({ParameterValue::kKept, "word"}));
  CHECK(run.trainer->optimizer_steps()[0] == 2);

  run.trainer->keep({0, 5});
  run.step({0, 1}, {2}, true);
  const auto layer_after = layer();
  REQUIRE(layer_after != layer_before);
  // What is no longer named is no longer kept.
  run.trainer->keep({0});
  run.trainer->revert();
  CHECK(layer() == layer_after);
  CHECK_THROWS_AS(run.trainer->keep({static_cast<int32_t>(run.parameters.size())}), Error);
}

TEST_CASE("heads: kinds know what they look at") {
  const std::vector<DenseSource> none;
  const HeadSource rows = classification_head("rows", 2), tokens = token_head("tokens", 2);
  CHECK_FALSE(kind_of(rows).per_token());
  CHECK(kind_of(tokens).per_token());
  CHECK(kind_of(rows).inputs(rows, 8, none) == 8);
  CHECK(kind_of(tokens).inputs(tokens, 8, none) == 8);
  HeadSource both = rows;
  both.vectors.pooling = {Pooling::kMean, Pooling::kMax};
  CHECK(kind_of(both).inputs(both, 8, none) == 16);
}

}  // namespace sentorch::test
