// Parameters by name: the values stored for each, which can be written to a file or restored from one. binding.d.ts
// documents the fields.
#pragma once
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "engine/weights.h"

namespace sentorch {

enum class Part { kEmbeddings, kLayer, kRelativeBias, kDense, kHead, kUncertainty };

struct ParameterInfo {
  std::string name;
  std::vector<int64_t> shape;
  Part part;
  int64_t index;
  std::string head;
};

enum class ParameterValue { kValue, kGradient, kExpAvg, kExpAvgSq, kKept };

struct ParameterPart {
  ParameterValue value;
  std::string parameter;
};

struct StoredBytes {
  std::string file;
  int64_t offset;
  int64_t bytes;
};

struct WriteRequest {
  std::string path;
  std::vector<uint8_t> header;
  std::vector<std::variant<ParameterPart, StoredBytes>> parts;
};

struct RestoreRequest {
  struct Item {
    ParameterPart target;
    TensorSource source;
  };
  std::vector<std::string> files;
  std::vector<Item> parameters;
  std::vector<int32_t> steps;
};

}  // namespace sentorch
