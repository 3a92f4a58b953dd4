// The border of the core: whatever libtorch or the runtime throws leaves as Error.
#pragma once
#include <c10/util/Exception.h>

#include <new>
#include <string>

#include "core/engine.h"

namespace sentorch {

template <typename Work>
auto guarded(Work&& work) -> decltype(work()) {
  try {
    return work();
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw Error("ERR_OUT_OF_MEMORY", "Memory ran out. Lower batchTokens, or load the model with dtype 'bfloat16'.");
  } catch (const c10::OutOfMemoryError& error) {
    throw Error("ERR_OUT_OF_MEMORY", error.what_without_backtrace());
  } catch (const c10::Error& error) {
    // The CPU allocator reports exhaustion as a plain error.
    const std::string message = error.what_without_backtrace();
    const bool memory =
        message.find("not enough memory") != std::string::npos || message.find("out of memory") != std::string::npos;
    throw Error(memory ? "ERR_OUT_OF_MEMORY" : "ERR_INTERNAL", message);
  } catch (const std::exception& error) {
    throw Error("ERR_INTERNAL", error.what());
  }
}

inline void stop_if(const StopFlag& stop) {
  if (stop.load(std::memory_order_relaxed)) throw Error("ERR_ABORTED", "The operation was aborted.");
}

}  // namespace sentorch
