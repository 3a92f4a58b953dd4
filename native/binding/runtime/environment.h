// The native state of one JavaScript environment (the main thread or a worker): its executors, and the channel through
// which their threads return results.
#pragma once
#include <napi.h>

#include <memory>
#include <vector>

#include "binding/runtime/executor.h"

namespace sentorch {

class Environment;

// A result that is handed to the JavaScript thread.
class Settlement {
 public:
  virtual ~Settlement() = default;
  // Resolves or rejects the promise. Called once, on the JavaScript thread.
  virtual void settle(Napi::Env env) = 0;
};

// Allocated on the heap and never destroyed, because one of our threads may still use it after the environment has
// ended.
class Environment {
 public:
  static void create(Napi::Env env);
  static Environment& of(Napi::Env env);

  // JavaScript thread. Announces a promise: the process stays alive until a call of deliver(), which must follow, has
  // settled it.
  void expect();
  // Any thread.
  void deliver(std::unique_ptr<Settlement> settlement) noexcept;

  std::shared_ptr<Executor> make_executor();
  // The executor that opens libraries.
  Executor& opener();
  // Stops and joins every thread; promises that are not settled stay pending. Idempotent.
  void shutdown() noexcept;
  bool ended() const { return ended_; }

 private:
  explicit Environment(Napi::Env env);
  static void call(Napi::Env env, Napi::Function, Environment* environment, Settlement* settlement);
  void settled();

  using Channel = Napi::TypedThreadSafeFunction<Environment, Settlement, &Environment::call>;

  napi_env env_;
  Channel channel_;
  int64_t expected_ = 0;
  bool ended_ = false;
  std::vector<std::weak_ptr<Executor>> executors_;
  std::shared_ptr<Executor> opener_;
};

}  // namespace sentorch
