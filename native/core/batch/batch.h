// Splits ragged requests into micro-batches over a flat token axis.
#pragma once
#include <cstdint>
#include <vector>

#include "engine/engine.h"

namespace sentorch {

// Some rows of a request, one after the other without padding, in order of length.
struct MicroBatch {
  std::vector<int32_t> ids;        // [tokens]
  std::vector<int32_t> positions;  // [tokens]
  std::vector<int32_t> offsets;    // [rows + 1]
  std::vector<int32_t> rows;       // [rows]: index in the request

  int64_t tokens() const { return static_cast<int64_t>(ids.size()); }
  int64_t size() const { return static_cast<int64_t>(rows.size()); }
  int64_t length(int64_t i) const { return offsets[i + 1] - offsets[i]; }
  int64_t longest() const;
};

struct TokenLimits {
  int64_t vocabulary;
  int64_t positions;
  int64_t position_padding;  // −1: positions count from 0; otherwise the padding id, and positions count from the next
                             // number
};

// Sorts the rows by length, longest first, so that the largest buffers are allocated once, and splits them by the token
// budget. Every id and position is checked against the limits, so that no kernel gets one that is out of range.
std::vector<MicroBatch> plan(const Rows& rows, int64_t batch_tokens, const TokenLimits& limits);

// One micro-batch of the given rows, in the given order.
MicroBatch assemble(const Rows& rows, const std::vector<int32_t>& order, const TokenLimits& limits);

// Refuses offsets that do not match the ids, and empty rows.
void check_rows(const Rows& rows);

// The number of rows on which products run for this number of tokens. oneDNN generates code for every new number of
// rows (which takes tens of milliseconds in bfloat16), so numbers are rounded up: to multiples of 8 up to 64, and above
// that of an eighth of the next power of two.
int64_t rounded_rows(int64_t tokens);

}  // namespace sentorch
