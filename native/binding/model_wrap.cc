#include "binding/model_wrap.h"

#include <utility>

#include "binding/convert.h"
#include "binding/library.h"
#include "binding/promise_task.h"

namespace sentorch {
namespace {

template <typename Result>
Napi::Promise post(Executor& executor, std::unique_ptr<PromiseTask<Result>> task) {
  const Napi::Promise promise = task->promise();
  executor.post(std::move(task));
  return promise;
}

Model& ready(const std::unique_ptr<Model>& model) {
  if (!model) throw Error("ERR_INTERNAL", "The model was not loaded.");
  return *model;
}

}  // namespace

Napi::Function ModelWrap::define(Napi::Env env) {
  return DefineClass(env, "NativeModel",
                     {InstanceMethod<&ModelWrap::load>("load"), InstanceMethod<&ModelWrap::encode>("encode"),
                      InstanceMethod<&ModelWrap::abort>("abort"), InstanceMethod<&ModelWrap::dispose>("dispose")});
}

ModelWrap::ModelWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ModelWrap>(info) {
  Environment& environment = Environment::of(info.Env());
  if (environment.ended()) throw coded_error(info.Env(), "ERR_DISPOSED", "The process is ending.");
  executor_ = environment.make_executor();
}

Napi::Value ModelWrap::load(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return promised(env, [&]() -> Napi::Value {
    auto request = std::make_shared<LoadRequest>(convert::load_request(info[0].As<Napi::Object>()));
    auto work = [request = std::move(request)](std::unique_ptr<Model>& model, const StopFlag& stop) {
      Engine* engine = opened_engine();
      if (!engine) throw Error("ERR_INTERNAL", "libtorch was not opened.");
      model = engine->load(*request, stop);
      return model->info();
    };
    return post(*executor_,
                std::make_unique<PromiseTask<LoadedModel>>(env, Value(), std::move(work), convert::loaded_model));
  });
}

Napi::Value ModelWrap::encode(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return promised(env, [&]() -> Napi::Value {
    const auto object = info[0].As<Napi::Object>();
    auto request = std::make_shared<EncodeRequest>(convert::encode_request(object));
    auto work = [request = std::move(request)](std::unique_ptr<Model>& model, const StopFlag& stop) {
      return ready(model).encode(*request, stop);
    };
    auto task = std::make_unique<PromiseTask<EncodeResult>>(env, Value(), std::move(work), convert::encode_result);
    task->task = object.Get("task").As<Napi::Number>().Int64Value();
    return post(*executor_, std::move(task));
  });
}

void ModelWrap::abort(const Napi::CallbackInfo& info) { executor_->abort(info[0].As<Napi::Number>().Int64Value()); }

Napi::Value ModelWrap::dispose(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!disposed_.IsEmpty()) return disposed_.Value();
  struct Done {};
  auto work = [](std::unique_ptr<Model>& model, const StopFlag&) {
    model.reset();
    if (Engine* engine = opened_engine()) engine->release_memory();
    return Done{};
  };
  auto finish = [](Napi::Env env, Done) -> Napi::Value { return env.Undefined(); };
  auto task = std::make_unique<PromiseTask<Done>>(env, Value(), std::move(work), std::move(finish));
  const Napi::Promise promise = task->promise();
  disposed_ = Napi::Reference<Napi::Promise>::New(promise, 1);
  disposed_.SuppressDestruct();
  executor_->close(std::move(task));
  return promise;
}

}  // namespace sentorch
