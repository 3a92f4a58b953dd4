// Converts whatever libtorch or the C++ runtime throws to Error, so that nothing else leaves the core.
#pragma once
#include <string>

#include "engine/engine.h"

namespace sentorch {

// Throws the exception that is being handled as Error.
[[noreturn]] void rethrow_as_error();

template <typename Work>
auto guarded(Work&& work) -> decltype(work()) {
  try {
    return work();
  } catch (...) {
    rethrow_as_error();
  }
}

// For the end of a function after a switch that covers all values of one of our enumerations.
inline Error unknown_value(const char* what) {
  return Error("ERR_INTERNAL", std::string("The request has an unknown ") + what + ".");
}

// The binding replaces this error by the reason for which the flag was set: an abort, or the end of the model.
inline void stop_if(const StopFlag& stop) {
  if (stop.load(std::memory_order_relaxed)) throw Error("ERR_ABORTED", "The operation was aborted.");
}

// Whether none of these numbers is a NaN or an infinity.
bool all_finite(const float* values, int64_t count);

}  // namespace sentorch
