// Checks of the numbers with which the core accesses memory, once per request. lib/ has already checked all of them in
// its own terms. Each function throws Error("ERR_INTERNAL").
#pragma once
#include <cstdint>
#include <vector>

#include "engine/engine.h"

namespace sentorch {

// The shapes of all tensors, the number of heads and the number of threads.
void check_load(const LoadRequest& request);

// Returns the dimension of the sentence vector, after checking that pooling, steps and truncation match the encoder and
// its Dense modules.
int64_t checked_dimension(const VectorRequest& request, int64_t hidden, const std::vector<DenseSource>& dense);

// Returns the number of rows, after checking that the pooled vectors are whole ones.
int64_t checked_rows(const FinishRequest& request, int64_t hidden);

// Whether the layers of a head fit together, from its input to its logits.
void check_head(const HeadSource& head, int64_t hidden, const std::vector<DenseSource>& dense);

// Whether the request describes the loaded model.
void check_training(const TrainingRequest& request, const EncoderSource& encoder,
                    const std::vector<DenseSource>& dense);

// Whether steps, micro-batches and rows are inside their arrays, and no micro-batch is empty.
void check_plan(const TrainRequest& request);

// Whether the offset and the length of a range in a file are not negative.
void check_stored(const StoredBytes& stored);

}  // namespace sentorch
