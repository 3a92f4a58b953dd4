// Errors for JavaScript: a message and a code from lib/base/errors.ts.
#pragma once
#include <napi.h>

#include <new>
#include <string>

#include "engine/engine.h"

namespace sentorch {

inline Napi::Error coded_error(Napi::Env env, const char* code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  return error;
}

// The reason for which a promise is rejected. Any thread.
struct Failure {
  const char* code;
  std::string message;
};

// Must be called in a catch block; describes the exception that is being handled.
inline Failure current_failure() {
  try {
    throw;
  } catch (const Error& error) {
    return {error.code(), error.what()};
  } catch (const std::bad_alloc&) {
    return {"ERR_OUT_OF_MEMORY", "Memory ran out."};
  } catch (const std::exception& error) {
    return {"ERR_INTERNAL", error.what()};
  } catch (...) {
    return {"ERR_INTERNAL", "An unknown exception was thrown."};
  }
}

// The same as a JavaScript error; an exception that already is one is returned unchanged. JavaScript thread.
inline Napi::Value current_error(Napi::Env env) {
  try {
    throw;
  } catch (const Napi::Error& error) {
    return error.Value();
  } catch (...) {
    const Failure failure = current_failure();
    return coded_error(env, failure.code, failure.message).Value();
  }
}

}  // namespace sentorch
