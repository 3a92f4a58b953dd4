#include "core/guard.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>

#if __has_include(<dnnl.hpp>)
#include <dnnl.hpp>
#define SENTORCH_HAS_DNNL
#endif

namespace sentorch {
namespace {

// libtorch's CPU allocator and its containers report exhausted memory as ordinary errors.
bool tells_of_memory(const char* message) {
  const auto says = [&](const char* text) { return std::strstr(message, text) != nullptr; };
  return says("allocate memory") || says("not enough memory") || says("out of memory") || says("Out of memory") ||
         says("bad_alloc");
}

[[noreturn]] void out_of_memory(const char* reason) {
  constexpr const char* kWhat =
      "Memory ran out. Use smaller batches (batchTokens; in training batchSize, or gradientCheckpointing), or load the "
      "model with dtype 'bfloat16'.";
  std::string message;
  try {
    message = std::string(kWhat) + " The cause: " + reason;
  } catch (const std::bad_alloc&) {
    throw Error("ERR_OUT_OF_MEMORY", kWhat);
  }
  throw Error("ERR_OUT_OF_MEMORY", message);
}

[[noreturn]] void fail(const char* message) {
  if (tells_of_memory(message)) out_of_memory(message);
  throw Error("ERR_INTERNAL", message);
}

}  // namespace

void rethrow_as_error() {
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    out_of_memory("std::bad_alloc");
  } catch (const c10::OutOfMemoryError& error) {
    out_of_memory(error.what_without_backtrace());
  } catch (const c10::Error& error) {
    fail(error.what_without_backtrace());
#if defined(SENTORCH_HAS_DNNL)
  } catch (const dnnl::error& error) {
    // The message does not depend on the reason: "could not create a primitive".
    if (error.status == dnnl_out_of_memory) out_of_memory(error.message);
    throw Error("ERR_INTERNAL", error.message);
#endif
  } catch (const std::exception& error) {
    fail(error.what());
  } catch (...) {
    throw Error("ERR_INTERNAL", "An unknown exception was thrown.");
  }
}

bool all_finite(const float* values, int64_t count) {
  return std::all_of(values, values + count, [](float value) { return std::isfinite(value); });
}

}  // namespace sentorch
