// Our own CPU kernels: one source (kernels.inc) compiled once per instruction set, chosen at run time.
// Only plain pointers: a translation unit that is built with wider instructions must not emit inline functions that
// others share.
#pragma once
#include <cstdint>

namespace sentorch::kernels {

// bfloat16 as its 16 bits.
using bf16 = uint16_t;

template <typename T>
struct NormArgs {
  const float* weight;  // [hidden]
  const float* bias;    // [hidden]
  float eps;
  int64_t hidden;
};

// out[t] = LayerNorm(word[ids[t]] + position[positions[t]] + type); statistics in float32.
template <typename T>
struct EmbedArgs {
  const T* word;      // [vocabulary, hidden]
  const T* position;  // [positions, hidden]
  const T* type;      // [hidden] or null
  const int32_t* ids;
  const int32_t* positions;
  NormArgs<T> norm;
  T* out;  // [tokens, hidden]
};

// out[t] = LayerNorm(x[t] + residual[t]).
template <typename T>
struct AddNormArgs {
  const T* x;
  const T* residual;
  NormArgs<T> norm;
  T* out;
};

// Self-attention inside each row. qkv: [tokens, 3·hidden] (query, key, value side by side); out: [tokens, hidden].
// An item is one head of one row: item = row · heads + head.
template <typename T>
struct AttentionArgs {
  const T* qkv;
  int64_t hidden;
  int64_t heads;
  const int32_t* offsets;  // [rows + 1]
  const float* bias;       // [heads, 2·bias_span − 1], indexed by key − query + bias_span − 1; or null
  int64_t bias_span;
  T* out;
};

template <typename T>
struct Table {
  void (*embed)(const EmbedArgs<T>&, int64_t begin, int64_t end);
  void (*add_norm)(const AddNormArgs<T>&, int64_t begin, int64_t end);
  // scratch: attention_scratch(longest row, head dimension) floats, one per thread.
  void (*attention)(const AttentionArgs<T>&, int64_t begin, int64_t end, float* scratch);
};

struct Set {
  Table<float> float32;
  Table<bf16> bfloat16;
};

int64_t attention_scratch(int64_t longest, int64_t head_size);

#if defined(__x86_64__) || defined(_M_X64)
const Set& avx2();
const Set& avx512();
#endif

}  // namespace sentorch::kernels
