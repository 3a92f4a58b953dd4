// The encoder with gradients: the same arithmetic as encoder_forward, in operations that autograd supports.
#pragma once
#include "core/batch/batch.h"
#include "core/training/dropout.h"
#include "core/training/masters.h"

namespace sentorch {

struct ForwardSettings {
  int64_t heads;
  double layer_norm_eps;
  Activation activation;
  int64_t word_padding;  // id and position whose embeddings have no gradient; −1: none
  int64_t position_padding;
  double hidden_dropout;
  double attention_dropout;
  double attention_output_dropout;
  at::ScalarType type;  // of the products
  bool checkpointing;   // layers are computed again in the backward pass instead of kept
};

// The rows of the embedding table that occur in a micro-batch, each once; gradients of the others are never computed.
struct WordRows {
  at::Tensor ids;     // [distinct], int64, ascending
  at::Tensor values;  // [distinct, hidden], a separate leaf of the graph
  at::Tensor place;   // [tokens], int64, row of `values`
  int64_t padding;    // row of `values` without a gradient; −1: none
};

WordRows word_rows(const at::Tensor& table, const MicroBatch& batch, int64_t padding, bool trainable);

// Returns the last hidden states [tokens, hidden], float32.
at::Tensor training_forward(const Masters& masters, const ForwardSettings& settings, const WordRows& words,
                            const MicroBatch& batch, const Dropout& dropout, const StopFlag& stop);

}  // namespace sentorch
