// What memory depends on, checked once a request: lib/ has checked all of it, in terms of its own, and the core indexes
// with these numbers. Each throws Error("ERR_INTERNAL").
#pragma once
#include <cstdint>
#include <vector>

#include "engine/engine.h"

namespace sentorch {

// Shapes of every tensor, the number of heads, of threads.
void check_load(const LoadRequest& request);

// Numbers of the sentence vector that comes out: pooling, steps and truncation fit the encoder and its Dense modules.
int64_t checked_dimension(const VectorRequest& request, int64_t hidden, const std::vector<DenseSource>& dense);

// Layers in a row from the head's input to its logits.
void check_head(const HeadSource& head, int64_t hidden, const std::vector<DenseSource>& dense);

// Whether the training is of the model that was loaded.
void check_training(const TrainingRequest& request, const EncoderSource& encoder,
                    const std::vector<DenseSource>& dense);

// Whether steps, micro-batches and rows lie inside the arrays that hold them. No micro-batch is empty.
void check_plan(const TrainRequest& request);

// Whether a piece of a file can be: its place and its length are not negative.
void check_stored(const StoredBytes& stored);

}  // namespace sentorch
