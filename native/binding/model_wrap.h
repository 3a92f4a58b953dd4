// NativeModel of binding.d.ts: one executor, and requests posted to it.
#pragma once
#include <napi.h>

#include <memory>

#include "binding/executor.h"

namespace sentorch {

class ModelWrap final : public Napi::ObjectWrap<ModelWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit ModelWrap(const Napi::CallbackInfo& info);

 private:
  Napi::Value load(const Napi::CallbackInfo& info);
  Napi::Value encode(const Napi::CallbackInfo& info);
  void abort(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);

  std::shared_ptr<Executor> executor_;
  Napi::Reference<Napi::Promise> disposed_;  // the promise of the first dispose()
};

}  // namespace sentorch
