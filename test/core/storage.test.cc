#include <cstring>
#include <filesystem>
#include <fstream>

#include "core/storage/parameter_file.h"
#include "core/storage/weights.h"
#include "support/tiny_model.h"

namespace sentorch::test {
namespace {

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string bytes_of(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

}  // namespace

TEST_CASE("storage: tensors are read from their place, in the type that is stored") {
  Scratch scratch;
  const std::string path = scratch.file("weights");
  // 1.5, −2 as bfloat16 at 3, then as float16, then as float32.
  const std::vector<uint16_t> half{0x3fc0, 0xc000, 0x3e00, 0xc000};
  const std::vector<float> whole{1.5, -2};
  std::ofstream(path, std::ios::binary) << "xyz" << std::string(reinterpret_cast<const char*>(half.data()), 8)
                                        << bytes_of(whole);
  const std::vector<std::string> files{path};
  WeightReader reader(files, kNeverStops);
  const std::vector<std::pair<StoredType, int64_t>> places{
      {StoredType::kBFloat16, 3}, {StoredType::kFloat16, 7}, {StoredType::kFloat32, 11}};
  for (const auto& [type, offset] : places)
    CHECK(numbers_of(reader.read({"t", 0, offset, type, {2, 1}})) == std::vector<float>{1.5, -2});
  CHECK(code_of([&] { reader.read({"t", 0, 15, StoredType::kFloat32, {2}}); }) == "ERR_MODEL_FORMAT");
  CHECK(code_of([&] { WeightReader({scratch.file("none")}, kNeverStops); }) == "ERR_MODEL_NOT_FOUND");
  const StopFlag stops{true};
  WeightReader stopped(files, stops);
  CHECK(code_of([&] { stopped.read({"t", 0, 11, StoredType::kFloat32, {2}}); }) == "ERR_ABORTED");
}

TEST_CASE("storage: a file is its header, then its parts in order") {
  Scratch scratch;
  Numbers numbers(4);
  const auto kept = numbers.some(6), named = numbers.some(4);
  std::ofstream(scratch.file("old"), std::ios::binary) << "skip" << bytes_of(kept);
  const WriteRequest request{scratch.file("new"),
                             {'h', 'e', 'a', 'd'},
                             {StoredBytes{scratch.file("old"), 4, 24}, ParameterPart{ParameterValue::kValue, "w"}}};
  write_file(
      request,
      [&](const ParameterPart&) {
        return at::from_blob(const_cast<float*>(named.data()), {2, 2}).t();
      },
      kNeverStops);
  // The tensor is transposed; its numbers are written in the order of its shape.
  const std::vector<float> turned{named[0], named[2], named[1], named[3]};
  CHECK(bytes_of(request.path) == "head" + bytes_of(kept) + bytes_of(turned));
}

TEST_CASE("storage: nothing is left of a file that fails, and nothing is written over") {
  Scratch scratch;
  std::ofstream(scratch.file("old"), std::ios::binary) << "0123456789";
  const auto numbers = [](float x) { return [x](const ParameterPart&) { return at::zeros({3}, at::kFloat) + x; }; };
  const auto request = [&](std::variant<ParameterPart, StoredBytes> part) {
    return WriteRequest{scratch.file("new"), {1, 2}, {std::move(part)}};
  };
  const ParameterPart named{ParameterValue::kValue, "w"};
  CHECK(code_of([&] { write_file(request(named), numbers(INFINITY), kNeverStops); }) == "ERR_NON_FINITE");
  CHECK(code_of([&] { write_file(request(named), numbers(NAN), kNeverStops); }) == "ERR_NON_FINITE");
  CHECK(code_of([&] {
          write_file(request(StoredBytes{scratch.file("old"), 5, 6}), numbers(0), kNeverStops);
        }) == "ERR_MODEL_FORMAT");
  const StopFlag stops{true};
  CHECK(code_of([&] { write_file(request(named), numbers(0), stops); }) == "ERR_ABORTED");
  CHECK_FALSE(std::filesystem::exists(scratch.file("new")));
  WriteRequest taken = request(named);
  taken.path = scratch.file("old");
  CHECK(code_of([&] { write_file(taken, numbers(0), kNeverStops); }) == "ERR_FILE");
  CHECK(bytes_of(taken.path) == "0123456789");
}

}  // namespace sentorch::test
