#include "core/storage/weights.h"

#include <filesystem>

#include "core/guard.h"

namespace sentorch {
namespace {

at::ScalarType scalar_type(StoredType type) {
  switch (type) {
    case StoredType::kFloat16:
      return at::kHalf;
    case StoredType::kBFloat16:
      return at::kBFloat16;
    case StoredType::kFloat32:
      return at::kFloat;
  }
  throw unknown_value("type of stored numbers");
}

}  // namespace

WeightReader::WeightReader(const std::vector<std::string>& files, const StopFlag& stop) : paths_(files), stop_(stop) {
  for (const std::string& path : files) {
    files_.emplace_back(std::filesystem::u8path(path), std::ios::binary);
    if (!files_.back()) throw Error("ERR_MODEL_NOT_FOUND", path + " cannot be opened for reading.");
  }
}

at::Tensor WeightReader::read(const TensorSource& source) {
  stop_if(stop_);
  at::Tensor tensor = at::empty(source.shape, scalar_type(source.dtype));
  std::ifstream& file = files_.at(source.file);
  file.seekg(source.offset);
  file.read(static_cast<char*>(tensor.data_ptr()), static_cast<std::streamsize>(tensor.nbytes()));
  if (!file) {
    throw Error("ERR_MODEL_FORMAT", paths_.at(source.file) + " ends inside tensor " + source.name +
                                        ": it was truncated or changed while it was read.");
  }
  return tensor;
}

}  // namespace sentorch
