// The float32 parameters of the encoder and its Dense modules, which training updates.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/heads/head.h"
#include "core/layers/plain.h"
#include "core/storage/weights.h"

namespace sentorch {

struct Masters {
  Parameter word;      // [vocabulary, hidden]
  Parameter position;  // [positions, hidden]
  Parameter type;      // [types, hidden]; undefined: none
  PlainNorm embedding_norm;
  std::vector<PlainLayer> layers;
  Parameter relative_bias;        // [buckets, heads]; undefined: none
  std::vector<PlainDense> dense;  // on the CPU
};

Masters read_masters(const EncoderSource& encoder, const std::vector<DenseSource>& dense,
                     const std::vector<std::string>& files, const at::Device& device, const StopFlag& stop);

// A parameter, with the part of the model to which it belongs.
using OwnedVisitor = std::function<void(const ParameterInfo& info, const at::Tensor& value)>;

// Visits all of them; the word table is the first.
void visit(const Masters& masters, const OwnedVisitor& visitor);
void visit(const Head& head, const OwnedVisitor& visitor);

}  // namespace sentorch
