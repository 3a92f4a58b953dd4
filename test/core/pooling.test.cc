#include "core/pooling/pooling.h"

#include "core/pooling/sentence_vectors.h"
#include "support/tiny_model.h"

namespace sentorch::test {
namespace {

constexpr Pooling kAll[] = {Pooling::kCls,         Pooling::kMax,          Pooling::kMean,
                            Pooling::kMeanSqrtLen, Pooling::kWeightedMean, Pooling::kLastToken};
constexpr int64_t kHidden = TinyModel::kHidden;

// The definitions of sentence-transformers, in double. states: [length, hidden], without the prompt.
std::vector<double> defined(Pooling mode, const float* states, int64_t length, int64_t prompt) {
  std::vector<double> out(kHidden, mode == Pooling::kMax ? -1e300 : 0);
  double weights = 0;
  for (int64_t t = prompt; t < length; t++) {
    const bool chosen = mode == Pooling::kCls ? t == prompt : mode == Pooling::kLastToken ? t == length - 1 : true;
    const double weight = mode == Pooling::kWeightedMean ? static_cast<double>(t + 1) : chosen ? 1 : 0;
    weights += weight;
    for (int64_t i = 0; i < kHidden; i++) {
      const double x = states[t * kHidden + i];
      out[i] = mode == Pooling::kMax ? std::max(out[i], x) : out[i] + weight * x;
    }
  }
  const double by = mode == Pooling::kMax ? 1 : mode == Pooling::kMeanSqrtLen ? std::sqrt(weights) : weights;
  for (double& each : out) each /= by;
  return out;
}

struct States {
  Numbers numbers{5};
  MicroBatch batch = assemble(rows_of(numbers, {1, 6, 3}), {0, 1, 2}, {20, 16, -1});
  at::Tensor states = numbers.tensor({batch.tokens(), kHidden});
  const float* row(int64_t i) const {
    return static_cast<const float*>(states.data_ptr()) + batch.offsets[i] * kHidden;
  }
};

}  // namespace

TEST_CASE("pooling: each mode is what sentence-transformers defines, in both forms") {
  const States made;
  for (Pooling mode : kAll) {
    CAPTURE(static_cast<int>(mode));
    const auto trained = numbers_of(pooling_mode(mode).train(made.states, made.batch));
    for (int64_t i = 0; i < made.batch.size(); i++) {
      std::vector<float> out(kHidden);
      const auto expected = defined(mode, made.row(i), made.batch.length(i), 0);
      pooling_mode(mode).pool(made.row(i), made.batch.length(i), kHidden, 0, out.data());
      check_close(out, expected, 1e-6);
      check_close(std::vector<float>(trained.begin() + i * kHidden, trained.begin() + (i + 1) * kHidden), expected,
                  1e-6);
    }
  }
}

TEST_CASE("pooling: the prompt is left out; where it is the whole row, the result is Python's") {
  const States made;
  for (Pooling mode : kAll) {
    CAPTURE(static_cast<int>(mode));
    std::vector<float> out(kHidden);
    pooling_mode(mode).pool(made.row(1), 6, kHidden, 2, out.data());
    check_close(out, defined(mode, made.row(1), 6, 2), 1e-6);
    pooling_mode(mode).pool(made.row(1), 6, kHidden, 6, out.data());
    const float rest = mode == Pooling::kMax ? -INFINITY : 0;
    for (int64_t i = 0; i < kHidden; i++) CHECK(out[i] == (mode == Pooling::kCls ? made.row(1)[i] : rest));
  }
}

TEST_CASE("pooling: a NaN is never hidden by max") {
  States made;
  float* data = static_cast<float*>(made.states.data_ptr());
  for (int64_t t = 0; t < 6; t++) {
    CAPTURE(t);
    const int64_t at = (made.batch.offsets[1] + t) * kHidden + 3;
    const float before = data[at];
    data[at] = NAN;
    std::vector<float> out(kHidden);
    pooling_mode(Pooling::kMax).pool(made.row(1), 6, kHidden, 0, out.data());
    CHECK(std::isnan(out[3]));
    CHECK_FALSE(std::isnan(out[2]));
    data[at] = before;
  }
}

TEST_CASE("sentence vectors: modules in order, truncation, scaling; the two forms agree") {
  States made;
  const at::Tensor weight = made.numbers.tensor({6, 2 * kHidden}), bias = made.numbers.tensor({6});
  const std::vector<Linear> dense{Linear(weight, bias, Activation::kTanh, false)};
  const std::vector<PlainDense> plain{{{{"w", weight}, {"b", bias}}, Activation::kTanh}};
  const VectorRequest request{
      {Pooling::kMean, Pooling::kMax}, 0, {NormalizeStep{}, int64_t{0}, NormalizeStep{}}, 0, false};
  auto inference = SentenceVectors::for_inference(made.states, made.batch, dense);
  auto training = SentenceVectors::for_training(made.states, made.batch, plain);
  const at::Tensor vectors = inference.of(request);
  CHECK(vectors.sizes() == at::IntArrayRef{3, 6});
  check_close(vectors, training.of(request), 1e-6);
  for (int64_t i = 0; i < 3; i++) CHECK(vectors[i].square().sum().item<double>() == doctest::Approx(1).epsilon(1e-6));

  VectorRequest cut = request;
  cut.truncate_dim = 4;
  check_close(inference.of(cut), vectors.narrow(1, 0, 4).contiguous(), 0);
  cut.normalize_last = true;
  const at::Tensor scaled = inference.of(cut);
  CHECK(scaled[1].square().sum().item<double>() == doctest::Approx(1).epsilon(1e-6));
  // Earlier results do not change.
  check_close(inference.of(request), training.of(request), 1e-6);
}

TEST_CASE("sentence vectors: what several ask for is computed once") {
  const States made;
  const std::vector<Linear> none;
  auto vectors = SentenceVectors::for_inference(made.states, made.batch, none);
  const at::Tensor first = vectors.of(mean_vectors());
  CHECK(vectors.of(mean_vectors()).data_ptr() == first.data_ptr());
  // A longer request uses the pooling of the shorter one; if it were pooled again, the result would show the change.
  made.states.zero_();
  VectorRequest scaled = mean_vectors();
  scaled.steps.push_back(NormalizeStep{});
  CHECK(vectors.of(scaled)[0].square().sum().item<double>() == doctest::Approx(1).epsilon(1e-6));
  VectorRequest other = mean_vectors();
  other.prompt_tokens = 1;
  CHECK(vectors.of(other).abs().sum().item<double>() == 0);
}

}  // namespace sentorch::test
