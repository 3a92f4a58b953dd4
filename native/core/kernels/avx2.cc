#define SENTORCH_LANES 8
#define SENTORCH_KERNELS avx2
#include "core/kernels/kernels.inc"
