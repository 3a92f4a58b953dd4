#include "binding/runtime/environment.h"

#include <algorithm>

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__APPLE__)
#include <pthread.h>
#endif

namespace sentorch {
namespace {

bool on_main_thread() {
#if defined(__linux__)
  return syscall(SYS_gettid) == getpid();
#elif defined(__APPLE__)
  return pthread_main_np() == 1;
#else
  return false;  // Windows ends all other threads before it runs destructors
#endif
}

// process.reallyExit() does not emit 'exit' and does not run cleanup hooks. exit() destroys the thread-local objects of
// the calling thread before anything else, in particular before the static objects that libtorch creates while it
// computes.
struct MainThread {
  ~MainThread() {
    if (on_main_thread()) Executor::shutdown_all();
  }
};

thread_local const MainThread main_thread;

// The finalizer of the instance data does nothing: see environment.h.
void keep(Napi::Env, Environment*) {}

}  // namespace

void Environment::create(Napi::Env env) {
  static_cast<void>(&main_thread);  // a thread-local object is created when it is first used
  auto* environment = new Environment(env);
  env.SetInstanceData<Environment, keep>(environment);
  // Added after the channel, so that it runs before the channel's own hook and no thread uses a closed channel.
  // process.exit() skips this hook, so lib/native/addon.ts also calls shutdown() on the 'exit' event.
  napi_add_env_cleanup_hook(
      env, [](void* data) { static_cast<Environment*>(data)->shutdown(); }, environment);
}

Environment& Environment::of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

Environment::Environment(Napi::Env env) : env_(env), channel_(Channel::New(env, "sentorch", 0, 1, this)) {
  channel_.Unref(env);
}

void Environment::expect() {
  if (expected_++ == 0) channel_.Ref(env_);
}

void Environment::settled() {
  if (--expected_ == 0) channel_.Unref(env_);
}

void Environment::deliver(std::unique_ptr<Settlement> settlement) noexcept {
  Settlement* raw = settlement.release();
  // This fails only while the environment ends, when the result is no longer needed.
  if (channel_.NonBlockingCall(raw) != napi_ok) delete raw;
}

void Environment::call(Napi::Env env, Napi::Function, Environment* environment, Settlement* settlement) {
  const std::unique_ptr<Settlement> owned(settlement);
  if (static_cast<napi_env>(env) == nullptr) return;  // the environment is ending
  try {
    const Napi::HandleScope scope(env);
    environment->settled();
    owned->settle(env);
  } catch (...) {
    // A promise cannot be settled only while the environment ends, when the result is no longer needed.
  }
}

std::shared_ptr<Executor> Environment::make_executor() {
  std::erase_if(executors_, [](const auto& weak) { return weak.expired(); });
  auto executor = std::make_shared<Executor>();
  executors_.push_back(executor);
  return executor;
}

Executor& Environment::opener() {
  if (!opener_) opener_ = make_executor();
  return *opener_;
}

void Environment::shutdown() noexcept {
  ended_ = true;
  for (const auto& weak : executors_) {
    if (const auto executor = weak.lock()) executor->shutdown();
  }
}

}  // namespace sentorch
