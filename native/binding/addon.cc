// The exports of sentorch.node: the interface Addon of binding.d.ts.
#include <napi.h>

#include "binding/convert/encode.h"
#include "binding/convert/fields.h"
#include "binding/files.h"
#include "binding/model_wrap.h"
#include "binding/runtime/library.h"
#include "binding/runtime/promise_task.h"
#include "common/threads.h"

namespace sentorch {
namespace {

Napi::Value cpu_features_of(const Napi::CallbackInfo& info) {
  return convert::cpu_features(info.Env(), cpu_features());
}

Napi::Value open(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return promised(env, [&]() -> Napi::Value {
    if (Environment::of(env).ended()) throw coded_error(env, "ERR_DISPOSED", "The process is ending.");
    auto request = convert::open_request(info[0]);
    auto work = [request = std::move(request)](std::unique_ptr<Model>&, const StopFlag&) {
      return open_library(request);
    };
    // Destroyed together with the task, even if the task is dropped because the environment ends.
    auto finish = [spin = std::make_shared<ShortSpin>()](Napi::Env env, LibraryInfo library) {
      return convert::library(env, library);
    };
    auto task =
        std::make_unique<PromiseTask<LibraryInfo>>(env, info[0].As<Napi::Object>(), std::move(work), std::move(finish));
    return start(env, Environment::of(env).opener(), std::move(task));
  });
}

Napi::Value startable(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(startable_threads(convert::as_integer(info[0], "count"))));
}

void shutdown(const Napi::CallbackInfo& info) { Environment::of(info.Env()).shutdown(); }

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  Environment::create(env);
  exports.Set("Model", ModelWrap::define(env));
  exports.Set("cpuFeatures", Napi::Function::New<cpu_features_of>(env, "cpuFeatures"));
  exports.Set("exchange", Napi::Function::New<exchange_paths>(env, "exchange"));
  exports.Set("lock", Napi::Function::New<lock_file>(env, "lock"));
  exports.Set("startableThreads", Napi::Function::New<startable>(env, "startableThreads"));
  exports.Set("open", Napi::Function::New<open>(env, "open"));
  exports.Set("shutdown", Napi::Function::New<shutdown>(env, "shutdown"));
  return exports;
}

}  // namespace
}  // namespace sentorch

static Napi::Object Init(Napi::Env env, Napi::Object exports) { return sentorch::initialize(env, exports); }
NODE_API_MODULE(sentorch, Init)
