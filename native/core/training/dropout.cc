#include "core/training/dropout.h"

#include <cmath>

#include "core/training/clones.h"

namespace sentorch {
namespace {

// splitmix64's finalizer (Steele, Lea, Flood 2014).
uint64_t mixed(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// Two rounds of a 32-bit finalizer with the two halves of the key, which the compiler can vectorise.
inline uint32_t noise(uint32_t i, uint32_t first, uint32_t second) {
  uint32_t h = i ^ first;
  h = (h ^ (h >> 16)) * 0x21f0aaad;
  h = (h ^ (h >> 15)) * 0x735a2d97;
  h = (h ^ (h >> 15)) + second;
  h = (h ^ (h >> 16)) * 0x21f0aaad;
  h = (h ^ (h >> 15)) * 0x735a2d97;
  return h ^ (h >> 15);
}

// Consecutive numbers that share a key: those of one token, or the attention weights of one query in one head.
struct Line {
  uint64_t key;
  uint32_t first;  // index of the first element
};

struct Rule {
  uint32_t below;  // elements with noise below it are dropped
  float kept;
};

// Vectorised multiplication of 32-bit integers needs more than plain x86-64.
SENTORCH_CLONES void fill_mask(float* out, const Line* lines, int64_t count, int64_t width, const Rule& rule) {
  const Rule r = rule;
  for (int64_t n = 0; n < count; n++) {
    const uint32_t first = static_cast<uint32_t>(lines[n].key), second = static_cast<uint32_t>(lines[n].key >> 32);
    float* line = out + n * width;
    for (int64_t i = 0; i < width; i++)
      line[i] = noise(lines[n].first + static_cast<uint32_t>(i), first, second) < r.below ? 0.0f : r.kept;
  }
}

// x: the numbers of all lines, one line after the other.
at::Tensor dropped(const at::Tensor& x, double p, const std::vector<Line>& lines) {
  if (lines.empty()) return x;
  const Rule rule{static_cast<uint32_t>(std::lround(std::min(p * 4294967296.0, 4294967295.0))),
                  static_cast<float>(1 / (1 - p))};
  at::Tensor mask = at::empty(x.sizes(), at::kFloat);
  float* out = static_cast<float*>(mask.data_ptr());
  const int64_t count = static_cast<int64_t>(lines.size()), width = mask.numel() / count;
  at::parallel_for(0, count, std::max<int64_t>(1, 16384 / std::max<int64_t>(1, width)),
                   [&](int64_t begin, int64_t end) {
                     fill_mask(out + begin * width, lines.data() + begin, end - begin, width, rule);
                   });
  return x * mask.to(x.device());
}

}  // namespace

Dropout::Dropout(int64_t seed, int64_t step, int64_t first_row, const MicroBatch& batch)
    : on_(true), offsets_(batch.offsets) {
  keys_.reserve(batch.tokens());
  const uint64_t of_step = mixed(mixed(static_cast<uint64_t>(seed)) ^ static_cast<uint64_t>(step));
  for (int64_t i = 0; i < batch.size(); i++) {
    const uint64_t of_row = mixed(of_step ^ static_cast<uint64_t>(first_row + i));
    for (int64_t t = 0; t < batch.length(i); t++) keys_.push_back(mixed(of_row ^ static_cast<uint64_t>(t)));
  }
}

Dropout Dropout::off() { return Dropout(); }

at::Tensor Dropout::tokens(const at::Tensor& x, double p, uint64_t site) const {
  if (!on_ || p <= 0) return x;
  std::vector<Line> lines;
  lines.reserve(keys_.size());
  for (uint64_t key : keys_) lines.push_back({mixed(key ^ site), 0});
  return dropped(x, p, lines);
}

at::Tensor Dropout::tokens_at(const std::vector<int64_t>& places, const at::Tensor& x, double p, uint64_t site) const {
  if (!on_ || p <= 0) return x;
  std::vector<Line> lines;
  for (int64_t place : places) lines.push_back({mixed(keys_[place] ^ site), 0});
  return dropped(x, p, lines);
}

at::Tensor Dropout::rows_at(const std::vector<int64_t>& places, const at::Tensor& x, double p, uint64_t site) const {
  if (!on_ || p <= 0) return x;
  std::vector<int64_t> first;
  for (int64_t place : places) first.push_back(offsets_[place]);
  return tokens_at(first, x, p, site);
}

at::Tensor Dropout::attention(const at::Tensor& weights, double p, uint64_t site) const {
  if (!on_ || p <= 0) return weights;
  const int64_t rows = weights.size(0), heads = weights.size(1), longest = weights.size(2);
  std::vector<Line> lines;
  lines.reserve(rows * heads * longest);
  for (int64_t i = 0; i < rows; i++) {
    const int64_t length = offsets_[i + 1] - offsets_[i];
    for (int64_t h = 0; h < heads; h++) {
      // The elements of head h begin at h · 2¹⁶, independently of the longest row in the micro-batch. The results of
      // queries that only fill up a row are not used.
      for (int64_t q = 0; q < longest; q++)
        lines.push_back({q < length ? mixed(keys_[offsets_[i] + q] ^ site) : 0, static_cast<uint32_t>(h << 16)});
    }
  }
  return dropped(weights, p, lines);
}

}  // namespace sentorch
