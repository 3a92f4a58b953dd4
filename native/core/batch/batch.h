// Ragged requests to micro-batches over a flat token axis.
#pragma once
#include <cstdint>
#include <vector>

#include "engine/engine.h"

namespace sentorch {

// Some rows of a request, side by side without padding, in order of length.
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
  int64_t position_padding;  // −1: positions count from 0; else the padding id, and the first position is one above it
};

// Cuts the request by the token budget after a sort by length, longest first, so that the largest buffers are made
// once. Every id and position is checked against the limits: no kernel sees one that is out of range.
std::vector<MicroBatch> plan(const Rows& rows, int64_t batch_tokens, const TokenLimits& limits);

// One micro-batch of those rows, in the order given.
MicroBatch assemble(const Rows& rows, const std::vector<int32_t>& order, const TokenLimits& limits);

// Refuses offsets that do not span the ids, and empty rows.
void check_rows(const Rows& rows);

// Rows that products run on for so many tokens. oneDNN makes new code for every new number of rows (tens of
// milliseconds in bfloat16), so sizes are rounded up to a few: to 8 below 64, to an eighth of the next power of two
// above.
int64_t rounded_rows(int64_t tokens);

}  // namespace sentorch
