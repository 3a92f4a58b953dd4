#include "core/batch.h"

#include <algorithm>
#include <numeric>
#include <string>

namespace sentorch {
namespace {

int32_t checked_id(const EncodeRequest& request, int64_t token, const TokenLimits& limits) {
  const int32_t id = request.ids[token];
  if (id < 0 || id >= limits.vocabulary) {
    throw Error("ERR_MODEL_MISMATCH", "Token id " + std::to_string(id) + " lies outside the embedding table of " +
                                          std::to_string(limits.vocabulary) + " rows.");
  }
  return id;
}

// transformers' rule for RoBERTa and MPNet: a padding token, were one in the text, stays at the padding position and is
// not counted.
void append_row(const EncodeRequest& request, int32_t row, const TokenLimits& limits, MicroBatch& batch) {
  int64_t position = limits.position_padding + 1;
  for (int64_t t = request.offsets[row]; t < request.offsets[row + 1]; t++) {
    const int32_t id = checked_id(request, t, limits);
    const bool padding = limits.position_padding >= 0 && id == limits.position_padding;
    const int64_t here = padding ? limits.position_padding : position++;
    if (here >= limits.positions) {
      throw Error("ERR_INVALID_ARGUMENT", "A row of " +
                                              std::to_string(request.offsets[row + 1] - request.offsets[row]) +
                                              " tokens needs position " + std::to_string(here) + "; the model has " +
                                              std::to_string(limits.positions) + ".");
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

std::vector<MicroBatch> plan(const EncodeRequest& request, const TokenLimits& limits) {
  const auto& offsets = request.offsets;
  const int64_t rows = static_cast<int64_t>(offsets.size()) - 1;
  for (int64_t i = 0; i < rows; i++) {
    if (offsets[i + 1] <= offsets[i]) throw Error("ERR_INTERNAL", "Row " + std::to_string(i) + " holds no token.");
  }
  if (rows >= 0 && (offsets[0] != 0 || offsets[rows] != static_cast<int64_t>(request.ids.size())))
    throw Error("ERR_INTERNAL", "Row offsets do not span the ids.");

  std::vector<int32_t> order(std::max<int64_t>(rows, 0));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int32_t a, int32_t b) { return offsets[a + 1] - offsets[a] > offsets[b + 1] - offsets[b]; });

  std::vector<MicroBatch> batches;
  for (int32_t row : order) {
    const int64_t length = offsets[row + 1] - offsets[row];
    if (batches.empty() || batches.back().tokens() + length > request.batch_tokens) {
      batches.emplace_back();
      batches.back().offsets.push_back(0);
    }
    append_row(request, row, limits, batches.back());
  }
  return batches;
}

int64_t rounded_rows(int64_t tokens) {
  int64_t step = 8;
  while (step * 8 < tokens) step *= 2;
  return (tokens + step - 1) / step * step;
}

}  // namespace sentorch
