// The post-norm transformer encoder that BERT, DistilBERT, RoBERTa and MPNet share.
#pragma once
#include "core/layers/operations.h"
#include "core/layers/parameters.h"

namespace sentorch {

// Returns the last hidden states, [rounded_rows(tokens), hidden]; only the first `tokens` rows are meaningful.
at::Tensor encoder_forward(const Parameters& parameters, int64_t heads, const Operations& operations,
                           const MicroBatch& batch, const StopFlag& stop);

}  // namespace sentorch
