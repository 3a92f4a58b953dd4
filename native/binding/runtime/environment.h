// What belongs to one JavaScript environment (the main thread or a worker): its executors and its way back from their
// threads.
#pragma once
#include <napi.h>

#include <memory>
#include <vector>

#include "binding/runtime/executor.h"

namespace sentorch {

class Environment;

// An outcome on its way to the JavaScript thread.
class Settlement {
 public:
  virtual ~Settlement() = default;
  // JavaScript thread; resolves or rejects. Called once.
  virtual void settle(Napi::Env env) = 0;
};

// Heap-allocated and never destroyed: a thread of ours may still hold it when the environment has gone.
class Environment {
 public:
  static void create(Napi::Env env);
  static Environment& of(Napi::Env env);

  // JavaScript thread. A promise is out: the process stays alive until deliver() has settled it, which must follow.
  void expect();
  // Any thread.
  void deliver(std::unique_ptr<Settlement> settlement) noexcept;

  std::shared_ptr<Executor> make_executor();
  // The executor that opens libraries.
  Executor& opener();
  // Stops and joins every thread; unsettled promises stay so. Idempotent.
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
