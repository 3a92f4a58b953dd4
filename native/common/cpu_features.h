// Features that the CPU has and the operating system has enabled. Without dependencies, so that doctor can read them
// without libtorch.
#pragma once

namespace sentorch {

struct CpuFeatures {
  bool avx2 = false;
  bool fma = false;
  bool avx512 = false;  // F, BW, DQ and VL
  bool avx512_bf16 = false;
  bool amx_bf16 = false;
};

CpuFeatures cpu_features();

}  // namespace sentorch
