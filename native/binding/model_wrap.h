// The class NativeModel of binding.d.ts: it owns an executor and posts requests to it.
#pragma once
#include <napi.h>

#include <memory>

#include "binding/runtime/executor.h"

namespace sentorch {

class ModelWrap final : public Napi::ObjectWrap<ModelWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit ModelWrap(const Napi::CallbackInfo& info);

 private:
  Napi::Value load(const Napi::CallbackInfo& info);
  Napi::Value weights(const Napi::CallbackInfo& info);
  Napi::Value encode(const Napi::CallbackInfo& info);
  Napi::Value finish(const Napi::CallbackInfo& info);
  Napi::Value add_head(const Napi::CallbackInfo& info);
  Napi::Value remove_head(const Napi::CallbackInfo& info);
  Napi::Value extend_head(const Napi::CallbackInfo& info);
  Napi::Value predict(const Napi::CallbackInfo& info);
  Napi::Value start_training(const Napi::CallbackInfo& info);
  Napi::Value set_groups(const Napi::CallbackInfo& info);
  Napi::Value set_corpus(const Napi::CallbackInfo& info);
  Napi::Value train(const Napi::CallbackInfo& info);
  Napi::Value end_training(const Napi::CallbackInfo& info);
  Napi::Value optimizer_steps(const Napi::CallbackInfo& info);
  Napi::Value restore(const Napi::CallbackInfo& info);
  Napi::Value keep(const Napi::CallbackInfo& info);
  Napi::Value revert(const Napi::CallbackInfo& info);
  Napi::Value read(const Napi::CallbackInfo& info);
  Napi::Value write(const Napi::CallbackInfo& info);
  void abort(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);

  std::shared_ptr<Executor> executor_;
  Napi::Reference<Napi::Promise> disposed_;  // the promise of the first dispose()
};

}  // namespace sentorch
