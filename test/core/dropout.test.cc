#include "core/training/dropout.h"

#include "support/tiny_model.h"

namespace sentorch::test {
namespace {

const TokenLimits kLimits{TinyModel::kVocabulary, TinyModel::kPositions, -1};

struct Made {
  Numbers numbers{6};
  Rows rows = rows_of(numbers, {4, 2, 7, 3});
  MicroBatch whole = assemble(rows, {0, 1, 2, 3}, kLimits);
  MicroBatch second = assemble(rows, {2, 3}, kLimits);  // its first row is the third of the step
  int64_t before = whole.offsets[2];                    // tokens before them
};

at::Tensor ones(at::IntArrayRef shape) { return at::zeros(shape, at::kFloat) + 1; }

}  // namespace

TEST_CASE("dropout: a mask belongs to a row of the step, however the step is cut") {
  const Made made;
  const Dropout whole(1, 5, 0, made.whole), second(1, 5, 2, made.second);
  const int64_t tokens = made.second.tokens();
  check_close(second.tokens(ones({tokens, 33}), 0.5, 9),
              whole.tokens(ones({made.whole.tokens(), 33}), 0.5, 9).narrow(0, made.before, tokens).contiguous(), 0);
  check_close(second.rows_at({0, 1}, ones({2, 33}), 0.5, 9), whole.rows_at({2, 3}, ones({2, 33}), 0.5, 9), 0);
  check_close(second.tokens_at({1, 8}, ones({2, 33}), 0.5, 9),
              whole.tokens_at({made.before + 1, made.before + 8}, ones({2, 33}), 0.5, 9), 0);
  // Also if the longest row of the micro-batch differs: row 3 alone has a layout with 3 keys instead of 7.
  const MicroBatch last = assemble(made.rows, {3}, kLimits);
  const at::Tensor among = whole.attention(ones({4, 2, 7, 7}), 0.5, 9);
  const at::Tensor alone = Dropout(1, 5, 3, last).attention(ones({1, 2, 3, 3}), 0.5, 9);
  check_close(alone[0], among[3].narrow(1, 0, 3).narrow(2, 0, 3).contiguous(), 0);
}

TEST_CASE("dropout: seed, step, row, token, site and element decide, each of them") {
  const Made made;
  const auto mask = [&](int64_t seed, int64_t step, int64_t row, uint64_t site) {
    return numbers_of(Dropout(seed, step, row, made.whole).tokens(ones({made.whole.tokens(), 64}), 0.5, site));
  };
  const auto first = mask(1, 5, 0, 9);
  CHECK(mask(1, 5, 0, 9) == first);
  CHECK(mask(2, 5, 0, 9) != first);
  CHECK(mask(1, 6, 0, 9) != first);
  CHECK(mask(1, 5, 1, 9) != first);
  CHECK(mask(1, 5, 0, 8) != first);
  const std::vector<float> token(first.begin(), first.begin() + 64), next(first.begin() + 64, first.begin() + 128);
  CHECK(token != next);
  const auto heads = numbers_of(Dropout(1, 5, 0, made.whole).attention(ones({4, 2, 7, 7}), 0.5, 9));
  CHECK(std::vector<float>(heads.begin(), heads.begin() + 49) !=
        std::vector<float>(heads.begin() + 49, heads.begin() + 98));
}

TEST_CASE("dropout: the share that is dropped, and the scale of the rest") {
  Numbers numbers(7);
  const MicroBatch batch = assemble(
      rows_of(numbers, std::vector<int64_t>(64, 16)),
      [] {
        std::vector<int32_t> order;
        for (int32_t i = 0; i < 64; i++) order.push_back(i);
        return order;
      }(),
      kLimits);
  for (double p : {0.1, 0.5, 0.9}) {
    CAPTURE(p);
    const auto out = numbers_of(Dropout(3, 0, 0, batch).tokens(ones({1024, 256}), p, 1));
    std::vector<double> per_element(256, 0);
    double dropped = 0;
    for (size_t i = 0; i < out.size(); i++) {
      if (out[i] != 0) REQUIRE(out[i] == doctest::Approx(1 / (1 - p)).epsilon(1e-6));
      if (out[i] == 0) dropped++, per_element[i % 256]++;
    }
    // Five standard deviations for this number of draws, in total and for each element.
    const double n = static_cast<double>(out.size());
    CHECK(std::abs(dropped / n - p) < 5 * std::sqrt(p * (1 - p) / n));
    for (double each : per_element) CHECK(std::abs(each / 1024 - p) < 5 * std::sqrt(p * (1 - p) / 1024));
  }
  CHECK(numbers_of(Dropout(3, 0, 0, batch).tokens(ones({1024, 2}), 0, 1)) == std::vector<float>(2048, 1));
  CHECK(numbers_of(Dropout::off().tokens(ones({1024, 2}), 0.5, 1)) == std::vector<float>(2048, 1));
}

}  // namespace sentorch::test
