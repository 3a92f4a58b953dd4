#include "core/storage/fingerprint.h"

#include <cstdio>
#include <cstring>
#include <vector>

namespace sentorch {
namespace {

constexpr size_t kLanes = 4;
constexpr size_t kWords = 2 * kLanes;          // of 64 bits, in a stripe
constexpr size_t kStripe = kWords * 8;         // bytes
constexpr int64_t kChunk = int64_t{1} << 18;   // bytes that one thread hashes at a time
constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;  // 2^64 divided by the golden ratio
constexpr uint64_t kOddPrime = 0xc2b2ae3d27d4eb4f;

// A permutation of 64-bit numbers (the finalizer of SplitMix64).
constexpr uint64_t mixed(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

constexpr auto kKeys = [] {
  std::array<uint64_t, kWords> keys{};
  for (size_t i = 0; i < kWords; i++) keys[i] = mixed((i + 1) * kOdd);
  return keys;
}();

using Lanes = std::array<uint64_t, kLanes>;

// Both halves of the product.
uint64_t product(uint64_t a, uint64_t b) {
  const auto whole = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(whole) ^ static_cast<uint64_t>(whole >> 64);
}

// A product loses the input where the other factor is zero, so the neighbouring lane adds the input unchanged.
void absorb(Lanes& lanes, const uint8_t* stripe) {
  std::array<uint64_t, kWords> input;
  std::memcpy(input.data(), stripe, kStripe);
  for (size_t i = 0; i < kLanes; i++) {
    const size_t other = 2 * (i ^ 1);
    const uint64_t added = input[other] ^ (input[other + 1] << 32 | input[other + 1] >> 32);
    lanes[i] = product(input[2 * i] ^ kKeys[2 * i], input[2 * i + 1] ^ kKeys[2 * i + 1] ^ lanes[i]) + added;
  }
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
  for (size_t left = bytes; left >= kStripe; left -= kStripe, at += kStripe) absorb(lanes, at);
  if (const size_t rest = bytes % kStripe) {
    std::array<uint8_t, kStripe> last{};
    std::memcpy(last.data(), at, rest);
    absorb(lanes, last.data());
  }
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
