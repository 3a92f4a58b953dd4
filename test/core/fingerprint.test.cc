#include "core/storage/fingerprint.h"

#include <set>

#include "support/tiny_model.h"

namespace sentorch::test {
namespace {

std::string of(const std::vector<std::pair<std::string, at::Tensor>>& tensors) {
  Fingerprint fingerprint;
  for (const auto& [name, values] : tensors) fingerprint.add(name, values);
  return fingerprint.text();
}

at::Tensor tensor(std::vector<float> values, std::vector<int64_t> shape) {
  return at::from_blob(values.data(), shape).clone();
}

int bits_apart(uint64_t a, uint64_t b) { return __builtin_popcountll(a ^ b); }

}  // namespace

TEST_CASE("fingerprint: every bit and the length of the input change about half of the bits of the hash") {
  Numbers numbers(7);
  // Several stripes of 64 bytes, and a rest.
  for (size_t size : {1, 63, 64, 65, 1024, 2500}) {
    const auto values = numbers.some(size / 4 + 1);
    std::vector<uint8_t> bytes(size);
    std::memcpy(bytes.data(), values.data(), size);
    const auto whole = hash128(bytes.data(), size, 1);
    std::set<std::array<uint64_t, 2>> seen{whole};
    int64_t apart = 0, least = 128;
    for (size_t bit = 0; bit < size * 8; bit++) {
      bytes[bit / 8] ^= 1 << (bit % 8);
      const auto other = hash128(bytes.data(), size, 1);
      bytes[bit / 8] ^= 1 << (bit % 8);
      seen.insert(other);
      const int distance = bits_apart(whole[0], other[0]) + bits_apart(whole[1], other[1]);
      apart += distance;
      least = std::min<int64_t>(least, distance);
    }
    CHECK(seen.size() == size * 8 + 1);
    CHECK(least > 25);
    CHECK(static_cast<double>(apart) / (size * 8) == doctest::Approx(64).epsilon(0.1));
    CHECK(hash128(bytes.data(), size, 2) != whole);
    CHECK(hash128(bytes.data(), size - 1, 1) != whole);
  }
}

TEST_CASE("fingerprint: zeros of different lengths, and exchanged stripes, chunks or values, have different hashes") {
  const std::vector<uint8_t> zeros(3000);
  std::set<std::array<uint64_t, 2>> seen;
  for (size_t size = 0; size < zeros.size(); size++) seen.insert(hash128(zeros.data(), size, 0));
  CHECK(seen.size() == zeros.size());

  const int64_t count = 400'000;  // several chunks
  std::vector<float> values(count);
  for (int64_t i = 0; i < count; i++) values[i] = static_cast<float>(i);
  const std::string original = of({{"w", tensor(values, {count})}});
  for (const auto& [a, b] : std::vector<std::array<int64_t, 2>>{{0, 1}, {0, 16}, {3, 259}, {0, 65'536}, {7, 399'999}}) {
    std::swap(values[a], values[b]);
    CHECK(of({{"w", tensor(values, {count})}}) != original);
    std::swap(values[a], values[b]);
  }
  CHECK(of({{"w", tensor(values, {count})}}) == original);
}

TEST_CASE("fingerprint: names, shapes and values count; order, stored type, strides and threads do not") {
  Numbers numbers(3);
  const at::Tensor a = tensor(numbers.some(12), {3, 4}), b = tensor(numbers.some(12), {3, 4});
  const std::string original = of({{"a", a}, {"b", b}});
  CHECK(original.size() == 32);
  CHECK(of({{"b", b}, {"a", a}}) == original);
  CHECK(of({{"a", a.t().contiguous().t()}, {"b", b}}) == original);
  CHECK(of({{"a", b}, {"b", a}}) != original);
  CHECK(of({{"a", a}, {"c", b}}) != original);
  CHECK(of({{"a", a.view({4, 3})}, {"b", b}}) != original);
  CHECK(of({{"a", a}}) != original);
  CHECK(of({{"a", a}, {"b", b}, {"c", at::empty({0})}}) != original);
  const at::Tensor half = a.to(at::kBFloat16);
  CHECK(of({{"a", half}}) == of({{"a", half.to(at::kFloat)}}));
  CHECK(of({{"a", half}}) != of({{"a", a}}));

  const at::Tensor large = at::zeros({1'000'000});
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const std::string alone = of({{"w", large}});
  at::set_num_threads(4);
  CHECK(of({{"w", large}}) == alone);
  at::set_num_threads(before);
}

TEST_CASE("fingerprint: of a model, from its file as from its masters; training the encoder changes it") {
  TinyModel made(5, true);
  const auto model = made.load();
  const std::string loaded = model->weights();
  CHECK(loaded == model->info().weights);
  CHECK(made.load()->weights() == loaded);
  CHECK(EncoderModel(made.load_request(ComputeType::kBFloat16), kNeverStops).weights() == loaded);
  CHECK(TinyModel(6, true).load()->weights() != loaded);

  model->add_head(classification_head("intent", 3), kNeverStops);
  Training& training = model->start_training(made.training_request({head_objective("intent")}), kNeverStops);
  const Rows rows = rows_of(made.numbers, {4, 6});
  training.set_corpus({rows, {std::vector<int32_t>{0, 2}}});
  const auto step = [&](Part part) {
    std::vector<int64_t> chosen;
    const auto parameters = training.parameters();
    for (size_t i = 0; i < parameters.size(); i++)
      if (parameters[i].part == part) chosen.push_back(static_cast<int64_t>(i));
    training.set_groups({{chosen, 0.01, 0, true}});
    training.train(one_step({0, 1}, {2}, true), kNeverStops, kNobodyWaits);
    return model->weights();
  };
  CHECK(step(Part::kHead) == loaded);
  const std::string trained = step(Part::kLayer);
  CHECK(trained != loaded);
  CHECK(model->encode({rows, mean_vectors(), 64}, kNeverStops).weights == trained);
}

}  // namespace sentorch::test
