// Errors that JavaScript sees: a message and a code of lib/base/errors.ts.
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

// In a catch block: the exception that is being handled, as JavaScript sees it.
inline Napi::Value current_error(Napi::Env env) {
  try {
    throw;
  } catch (const Napi::Error& error) {
    return error.Value();
  } catch (const Error& error) {
    return coded_error(env, error.code(), error.what()).Value();
  } catch (const std::bad_alloc&) {
    return coded_error(env, "ERR_OUT_OF_MEMORY", "Memory ran out.").Value();
  } catch (const std::exception& error) {
    return coded_error(env, "ERR_INTERNAL", error.what()).Value();
  } catch (...) {
    return coded_error(env, "ERR_INTERNAL", "An unknown exception was thrown.").Value();
  }
}

}  // namespace sentorch
