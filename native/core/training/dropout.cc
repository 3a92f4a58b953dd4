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

// Two rounds of a 32-bit finalizer between two halves of the key: vectors of the CPU can do it.
inline uint32_t noise(uint32_t i, uint32_t first, uint32_t second) {
  uint32_t h = i ^ first;
  h = (h ^ (h >> 16)) * 0x21f0aaad;
  h = (h ^ (h >> 15)) * 0x735a2d97;
  h = (h ^ (h >> 15)) + second;
  h = (h ^ (h >> 16)) * 0x21f0aaad;
  h = (h ^ (h >> 15)) * 0x735a2d97;
  return h ^ (h >> 15);
}

struct MaskKey {
  uint32_t first, second;
  uint32_t below;  // noise that drops
  float kept;
};

// Multiplication of 32-bit integers in vectors needs more than the plain x86-64.
SENTORCH_CLONES void fill_mask(float* out, int64_t begin, int64_t end, const MaskKey& key) {
  const MaskKey k = key;
  for (int64_t i = begin; i < end; i++)
    out[i] = noise(static_cast<uint32_t>(i), k.first, k.second) < k.below ? 0.0f : k.kept;
}

}  // namespace

Dropout::Dropout(int64_t seed, int64_t step, int64_t batch)
    : key_(mixed(mixed(mixed(static_cast<uint64_t>(seed)) ^ static_cast<uint64_t>(step)) ^
                 static_cast<uint64_t>(batch))),
      on_(true) {}

Dropout Dropout::off() { return Dropout(); }

at::Tensor Dropout::operator()(const at::Tensor& x, double p, uint64_t site) const {
  if (!on_ || p <= 0) return x;
  const uint64_t key = mixed(key_ ^ site);
  const MaskKey parts{static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32),
                      static_cast<uint32_t>(std::lround(std::min(p * 4294967296.0, 4294967295.0))),
                      static_cast<float>(1 / (1 - p))};
  at::Tensor mask = at::empty(x.sizes(), at::kFloat);
  float* out = static_cast<float*>(mask.data_ptr());
  at::parallel_for(0, mask.numel(), 16384, [&](int64_t begin, int64_t end) { fill_mask(out, begin, end, parts); });
  return x * mask.to(x.device());
}

}  // namespace sentorch
