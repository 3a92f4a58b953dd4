#include "core/batch/batch.h"

#include <set>

#include "core/batch/scatter.h"
#include "support/tiny_model.h"

namespace sentorch::test {
namespace {

const TokenLimits kLimits{TinyModel::kVocabulary, TinyModel::kPositions, -1};

}  // namespace

TEST_CASE("batches: every row once, longest first, within the budget") {
  Numbers numbers(1);
  const Rows rows = rows_of(numbers, {3, 1, 7, 7, 2, 12, 5, 1});
  for (int64_t budget : {1, 7, 12, 20, 1000}) {
    CAPTURE(budget);
    std::multiset<int32_t> seen;
    int64_t last = 1000;
    for (const MicroBatch& batch : plan(rows, budget, kLimits)) {
      CHECK((batch.tokens() <= budget || batch.size() == 1));
      for (int64_t i = 0; i < batch.size(); i++) {
        const int32_t row = batch.rows[i];
        seen.insert(row);
        CHECK(batch.length(i) <= last);
        last = batch.length(i);
        CHECK(std::vector<int32_t>(batch.ids.begin() + batch.offsets[i], batch.ids.begin() + batch.offsets[i + 1]) ==
              std::vector<int32_t>(rows.ids.begin() + rows.offsets[row], rows.ids.begin() + rows.offsets[row + 1]));
      }
    }
    CHECK(seen == std::multiset<int32_t>{0, 1, 2, 3, 4, 5, 6, 7});
  }
}

TEST_CASE("batches: positions count from 0, or from above the padding id and past padding tokens") {
  const Rows rows{{5, 1, 6, 7}, {0, 4}};
  CHECK(assemble(rows, {0}, kLimits).positions == std::vector<int32_t>{0, 1, 2, 3});
  CHECK(assemble(rows, {0}, {20, 16, 1}).positions == std::vector<int32_t>{2, 1, 3, 4});
  CHECK(assemble(rows, {0}, kLimits).longest() == 4);
}

TEST_CASE("batches: what a table does not have is refused before it is used") {
  CHECK(code_of([] { plan({{5, 20}, {0, 2}}, 8, kLimits); }) == "ERR_MODEL_MISMATCH");
  CHECK(code_of([] { plan({{5, -1}, {0, 2}}, 8, kLimits); }) == "ERR_MODEL_MISMATCH");
  CHECK(code_of([] { plan({std::vector<int32_t>(17, 3), {0, 17}}, 8, kLimits); }) == "ERR_INVALID_ARGUMENT");
  for (const std::vector<int32_t>& offsets :
       {std::vector<int32_t>{}, {0}, {0, 3}, {1, 2}, {0, 0, 2}, {0, 2, 1}, {-1, 2}, {2, 0}}) {
    CHECK(code_of([&] { plan({{5, 6}, offsets}, 8, kLimits); }) == "ERR_INTERNAL");
  }
}

TEST_CASE("batches: products run on few sizes, at most an eighth above what is needed") {
  std::set<int64_t> sizes;
  for (int64_t tokens = 1; tokens <= 4096; tokens++) {
    const int64_t rows = rounded_rows(tokens);
    sizes.insert(rows);
    REQUIRE(rows >= tokens);
    REQUIRE(rows - tokens < std::max<int64_t>(8, tokens / 4));
    REQUIRE(rows % 8 == 0);
  }
  CHECK(sizes.size() < 64);
}

TEST_CASE("batches: results return to the places of the request; the first row that is not finite is named") {
  Numbers numbers(2);
  const Rows rows = rows_of(numbers, {2, 5, 3});
  for (bool tokens : {false, true}) {
    CAPTURE(tokens);
    Scatter scatter(rows, tokens);
    for (const MicroBatch& batch : plan(rows, 5, kLimits)) {
      at::Tensor values = at::empty({tokens ? batch.tokens() : batch.size(), 2}, at::kFloat);
      for (int64_t i = 0; i < batch.size(); i++) {
        for (int64_t t = 0; t < (tokens ? batch.length(i) : 1); t++) {
          float* at = static_cast<float*>(values.data_ptr()) + 2 * (tokens ? batch.offsets[i] + t : i);
          at[0] = static_cast<float>(batch.rows[i]);
          at[1] = batch.rows[i] == 1 && t == (tokens ? 4 : 0) ? NAN : static_cast<float>(t);
        }
      }
      scatter.put(batch, values);
    }
    CHECK(scatter.dimension == 2);
    CHECK(scatter.non_finite_row == 1);
    REQUIRE(scatter.values.size() == (tokens ? 20u : 6u));
    for (int32_t row = 0; row < 3; row++) CHECK(scatter.values[tokens ? 2 * rows.offsets[row] : 2 * row] == row);
  }
}

}  // namespace sentorch::test
