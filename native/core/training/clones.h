// Functions that are compiled once for each width of the CPU's vectors; the widest that the CPU supports is chosen
// when the library is opened.
#pragma once

#if defined(__x86_64__) && defined(__ELF__) && defined(__GNUC__) && !defined(__clang__)
#define SENTORCH_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define SENTORCH_CLONES
#endif
