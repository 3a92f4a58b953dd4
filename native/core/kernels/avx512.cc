#define SENTORCH_LANES 16
#define SENTORCH_KERNELS avx512
#include "core/kernels/kernels.inc"
