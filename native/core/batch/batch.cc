#include "core/batch/batch.h"

#include <algorithm>
#include <numeric>
#include <string>

namespace sentorch {
namespace {

int32_t checked_id(const Rows& rows, int64_t token, const TokenLimits& limits) {
  const int32_t id = rows.ids[token];
  if (id < 0 || id >= limits.vocabulary) {
    throw Error("ERR_MODEL_MISMATCH", "Token id " + std::to_string(id) + " is outside the embedding table, which has " +
                                          std::to_string(limits.vocabulary) + " rows.");
  }
  return id;
}

// The rule of transformers for RoBERTa and MPNet: a padding token in the text has the padding position and is not
// counted.
void append_row(const Rows& rows, int32_t row, const TokenLimits& limits, MicroBatch& batch) {
  int64_t position = limits.position_padding + 1;
  for (int64_t t = rows.offsets[row]; t < rows.offsets[row + 1]; t++) {
    const int32_t id = checked_id(rows, t, limits);
    const bool padding = limits.position_padding >= 0 && id == limits.position_padding;
    const int64_t here = padding ? limits.position_padding : position++;
    if (here >= limits.positions) {
      throw Error("ERR_INVALID_ARGUMENT", "A row of " + std::to_string(rows.offsets[row + 1] - rows.offsets[row]) +
                                              " tokens needs position " + std::to_string(here) +
                                              ", but the model has only " + std::to_string(limits.positions) +
                                              " positions.");
    }
    batch.ids.push_back(id);
    batch.positions.push_back(static_cast<int32_t>(here));
  }
  batch.offsets.push_back(static_cast<int32_t>(batch.ids.size()));
  batch.rows.push_back(row);
}

}  // namespace

int64_t MicroBatch::longest() const {
  int64_t most = 0;
  for (int64_t i = 0; i < size(); i++) most = std::max(most, length(i));
  return most;
}

void check_rows(const Rows& rows) {
  const auto& offsets = rows.offsets;
  const int64_t count = rows.count();
  for (int64_t i = 0; i < count; i++) {
    if (offsets[i + 1] <= offsets[i]) throw Error("ERR_INTERNAL", "Row " + std::to_string(i) + " has no tokens.");
  }
  if (count < 0 || offsets[0] != 0 || offsets[count] != static_cast<int64_t>(rows.ids.size()))
    throw Error("ERR_INTERNAL", "The row offsets do not match the ids.");
}

MicroBatch assemble(const Rows& rows, const std::vector<int32_t>& order, const TokenLimits& limits) {
  MicroBatch batch;
  batch.offsets.push_back(0);
  for (int32_t row : order) append_row(rows, row, limits, batch);
  return batch;
}

std::vector<MicroBatch> plan(const Rows& rows, int64_t batch_tokens, const TokenLimits& limits) {
  check_rows(rows);
  const auto& offsets = rows.offsets;
  std::vector<int32_t> order(rows.count());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int32_t a, int32_t b) { return offsets[a + 1] - offsets[a] > offsets[b + 1] - offsets[b]; });

  std::vector<MicroBatch> batches;
  for (int32_t row : order) {
    const int64_t length = offsets[row + 1] - offsets[row];
    if (batches.empty() || batches.back().tokens() + length > batch_tokens) {
      batches.emplace_back();
      batches.back().offsets.push_back(0);
    }
    append_row(rows, row, limits, batches.back());
  }
  return batches;
}

int64_t rounded_rows(int64_t tokens) {
  int64_t step = 8;
  while (step * 8 < tokens) step *= 2;
  return (tokens + step - 1) / step * step;
}

}  // namespace sentorch
