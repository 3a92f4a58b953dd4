// The only exception that is thrown from the core to the binding.
#pragma once
#include <stdexcept>
#include <string>

#if defined(_WIN32)
#define SENTORCH_EXPORT __declspec(dllexport)
#else
#define SENTORCH_EXPORT __attribute__((visibility("default")))
#endif

namespace sentorch {

// `code` is one of those in lib/base/errors.ts. The class has default visibility because it is thrown in one library
// and caught in the other.
class SENTORCH_EXPORT Error : public std::runtime_error {
 public:
  Error(const char* code, const std::string& message) : std::runtime_error(message), code_(code) {}
  Error(const char* code, const char* message) : std::runtime_error(message), code_(code) {}
  const char* code() const { return code_; }

 private:
  const char* code_;
};

}  // namespace sentorch
