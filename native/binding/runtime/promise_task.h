// The only asynchronous primitive: the work runs on an executor's thread, its result is converted on the JavaScript
// thread, and the promise is settled once.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "binding/runtime/coded_error.h"
#include "binding/runtime/environment.h"

namespace sentorch {

template <typename Result>
class PromiseTask final : public Job, public Settlement {
 public:
  using Work = std::function<Result(std::unique_ptr<Model>& model, const StopFlag& stop)>;  // executor's thread; no env
  using Finish = std::function<Napi::Value(Napi::Env env, Result result)>;                  // JavaScript thread

  // JavaScript thread. `owner` is not garbage-collected before the promise is settled.
  PromiseTask(Napi::Env env, Napi::Object owner, Work work, Finish finish)
      : environment_(Environment::of(env)),
        deferred_(Napi::Promise::Deferred::New(env)),
        owner_(Napi::Persistent(owner)),
        work_(std::move(work)),
        finish_(std::move(finish)) {
    owner_.SuppressDestruct();  // a task that is dropped while the environment ends must not use it
  }

  Napi::Promise promise() const { return deferred_.Promise(); }

  void run(std::unique_ptr<Model>& model) noexcept override {
    try {
      result_.emplace(work_(model, stop_flag()));
    } catch (...) {
      failure_ = current_failure();
      if (std::string_view(failure_.code) == kAborted.code) refuse(stop_reason());
    }
  }

  void refuse(const Refusal& reason) noexcept override { failure_ = {reason.code, reason.message}; }

  void settle(Napi::Env env) override {
    owner_.Reset();
    try {
      if (!result_) throw Error(failure_.code, failure_.message);
      deferred_.Resolve(finish_(env, std::move(*result_)));
    } catch (...) {
      deferred_.Reject(current_error(env));
    }
  }

 protected:
  void hand_over() noexcept override { environment_.deliver(std::unique_ptr<Settlement>(this)); }

 private:
  Environment& environment_;
  Napi::Promise::Deferred deferred_;
  Napi::ObjectReference owner_;
  Work work_;
  Finish finish_;
  std::optional<Result> result_;
  Failure failure_{"ERR_INTERNAL", ""};
};

// Returns a rejected promise instead of throwing: a method that returns a promise never throws.
template <typename Body>
Napi::Value promised(Napi::Env env, Body&& body) {
  try {
    return body();
  } catch (...) {
    const auto deferred = Napi::Promise::Deferred::New(env);
    deferred.Reject(current_error(env));
    return deferred.Promise();
  }
}

// JavaScript thread. Hands the task to the executor, after which its promise is settled in every case.
template <typename Result>
Napi::Promise start(Napi::Env env, Executor& executor, std::unique_ptr<PromiseTask<Result>> task) {
  const Napi::Promise promise = task->promise();
  Environment::of(env).expect();
  executor.post(std::move(task));
  return promise;
}

}  // namespace sentorch
