// The one exception that crosses the border between the core and the binding.
#pragma once
#include <stdexcept>
#include <string>

#if defined(_WIN32)
#define SENTORCH_EXPORT __declspec(dllexport)
#else
#define SENTORCH_EXPORT __attribute__((visibility("default")))
#endif

namespace sentorch {

// `code` is one of lib/base/errors.ts. Default visibility: thrown in one library, caught in the other.
class SENTORCH_EXPORT Error : public std::runtime_error {
 public:
  Error(const char* code, const std::string& message) : std::runtime_error(message), code_(code) {}
  Error(const char* code, const char* message) : std::runtime_error(message), code_(code) {}
  const char* code() const { return code_; }

 private:
  const char* code_;
};

}  // namespace sentorch
