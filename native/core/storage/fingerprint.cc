#include "core/storage/fingerprint.h"

#include <cstdio>
#include <cstring>
#include <vector>

namespace sentorch {
namespace {

constexpr size_t kLanes = 8;                   // of 64 bits
constexpr size_t kStripe = kLanes * 8;         // bytes
constexpr size_t kStripesPerRound = 16;        // then the lanes are mixed
constexpr int64_t kChunk = int64_t{1} << 18;   // bytes that one thread hashes at a time
constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;  // 2^64 divided by the golden ratio
constexpr uint64_t kOddPrime = 0xc2b2ae3d27d4eb4f;

// A permutation of 64-bit numbers (the finalizer of SplitMix64).
constexpr uint64_t mixed(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// Each stripe of a round starts one number later, so that exchanged stripes give another hash.
constexpr auto kKeys = [] {
  std::array<uint64_t, kLanes + kStripesPerRound> keys{};
  for (size_t i = 0; i < keys.size(); i++) keys[i] = mixed((i + 1) * kOdd);
  return keys;
}();

using Lanes = std::array<uint64_t, kLanes>;

// A product of 32-bit halves loses the input where a half is zero, so the neighbouring lane adds the input unchanged.
void absorb(Lanes& lanes, const uint8_t* stripe, const uint64_t* keys) {
  std::array<uint64_t, kLanes> input;
  std::memcpy(input.data(), stripe, kStripe);
  for (size_t i = 0; i < kLanes; i++) {
    const uint64_t keyed = input[i] ^ keys[i];
    lanes[i] += (keyed & 0xffffffff) * (keyed >> 32) + input[i ^ 1];
  }
}

void mix(Lanes& lanes) {
  for (size_t i = 0; i < kLanes; i++) lanes[i] = (lanes[i] ^ (lanes[i] >> 47) ^ kKeys[i]) * kOddPrime;
}

uint64_t folded(const Lanes& lanes, uint64_t seed) {
  for (uint64_t lane : lanes) seed = mixed(seed * kOdd + lane);
  return seed;
}

void add_to(std::array<uint64_t, 2>& sum, const std::array<uint64_t, 2>& digest) {
  sum[0] += digest[0];
  sum[1] += digest[1];
}

uint64_t hash_of_header(const std::string& name, at::IntArrayRef shape) {
  std::string header = name;
  header.push_back('\0');
  for (int64_t size : shape) header.append(reinterpret_cast<const char*>(&size), sizeof size);
  return hash128(header.data(), header.size(), 0)[0];
}

}  // namespace

std::array<uint64_t, 2> hash128(const void* data, size_t bytes, uint64_t seed) {
  Lanes lanes;
  for (size_t i = 0; i < kLanes; i++) lanes[i] = mixed(seed + kKeys[i]);
  const uint8_t* at = static_cast<const uint8_t*>(data);
  size_t stripe = 0;
  const auto next = [&](const uint8_t* input) {
    absorb(lanes, input, &kKeys[stripe]);
    if (++stripe < kStripesPerRound) return;
    mix(lanes);
    stripe = 0;
  };
  for (size_t left = bytes; left >= kStripe; left -= kStripe, at += kStripe) next(at);
  if (const size_t rest = bytes % kStripe) {
    std::array<uint8_t, kStripe> last{};
    std::memcpy(last.data(), at, rest);
    next(last.data());
  }
  mix(lanes);
  return {folded(lanes, bytes * kOdd), folded(lanes, ~bytes * kOddPrime)};
}

void Fingerprint::add(const std::string& name, const at::Tensor& values) {
  const at::Tensor numbers = values.to(at::kCPU, at::kFloat).contiguous();
  const auto* data = static_cast<const uint8_t*>(numbers.data_ptr());
  const auto bytes = static_cast<int64_t>(numbers.nbytes());
  const uint64_t header = hash_of_header(name, values.sizes());
  // A tensor without values counts as one empty chunk.
  const int64_t count = std::max<int64_t>(1, (bytes + kChunk - 1) / kChunk);
  std::vector<std::array<uint64_t, 2>> digests(count);
  at::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t size = std::min(kChunk, bytes - i * kChunk);
      digests[i] = hash128(data + i * kChunk, static_cast<size_t>(size), header + mixed(static_cast<uint64_t>(i)));
    }
  });
  for (const auto& digest : digests) add_to(sum_, digest);
}

std::string Fingerprint::text() const {
  char out[33];
  std::snprintf(out, sizeof out, "%016llx%016llx", static_cast<unsigned long long>(sum_[0]),
                static_cast<unsigned long long>(sum_[1]));
  return out;
}

}  // namespace sentorch
