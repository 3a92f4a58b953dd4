#include "runtime/node_api.h"

#include <node_api.h>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

struct napi_value__ {
  napi_valuetype type;
  std::string text;
  std::map<std::string, napi_value> properties;
};

struct napi_deferred__ {
  bool settled = false;
};

struct napi_ref__ {
  napi_value value;
};

struct napi_threadsafe_function__ {
  std::mutex mutex;
  std::condition_variable arrived;
  std::deque<void*> queue;
  bool closed = false;
  bool referenced = true;
  void* context = nullptr;
  napi_threadsafe_function_call_js call = nullptr;
};

struct napi_env__ {
  std::thread::id thread = std::this_thread::get_id();
  std::vector<std::unique_ptr<napi_value__>> values;
  std::vector<std::unique_ptr<napi_deferred__>> deferreds;
  std::vector<std::unique_ptr<napi_ref__>> references;
  std::unique_ptr<napi_threadsafe_function__> channel;
  std::vector<std::pair<napi_cleanup_hook, void*>> hooks;
  void* instance_data = nullptr;
  int64_t resolved = 0;
  std::map<std::string, int64_t> rejected;

  napi_value make(napi_valuetype type, std::string text = {}) {
    check();
    values.push_back(std::make_unique<napi_value__>(napi_value__{type, std::move(text), {}}));
    return values.back().get();
  }

  void check() const {
    if (std::this_thread::get_id() != thread) sentorch::broken("Node-API was called on another thread");
  }

  void settle(napi_deferred deferred) {
    check();
    if (deferred->settled) sentorch::broken("a promise was settled twice");
    deferred->settled = true;
  }
};

namespace sentorch {

void broken(const char* what) {
  std::fprintf(stderr, "BROKEN: %s\n", what);
  std::abort();
}

FakeNode::FakeNode() : env_(std::make_unique<napi_env__>()) {}

FakeNode::~FakeNode() {
  for (auto hook = env_->hooks.rbegin(); hook != env_->hooks.rend(); ++hook) hook->first(hook->second);
  napi_threadsafe_function channel = env_->channel.get();
  if (!channel) return;
  std::deque<void*> dropped;
  {
    const std::lock_guard lock(channel->mutex);
    channel->closed = true;
    dropped.swap(channel->queue);
  }
  for (void* data : dropped) channel->call(nullptr, nullptr, channel->context, data);
}

Napi::Env FakeNode::env() const { return Napi::Env(env_.get()); }

void FakeNode::deliver() {
  napi_threadsafe_function channel = env_->channel.get();
  std::unique_lock lock(channel->mutex);
  while (!channel->queue.empty()) {
    void* const data = channel->queue.front();
    channel->queue.pop_front();
    lock.unlock();
    channel->call(env_.get(), nullptr, channel->context, data);
    lock.lock();
  }
}

void FakeNode::run() {
  napi_threadsafe_function channel = env_->channel.get();
  while (channel->referenced) {
    {
      std::unique_lock lock(channel->mutex);
      const auto limit = std::chrono::seconds(60);
      if (!channel->arrived.wait_for(lock, limit, [&] { return !channel->queue.empty(); }))
        broken("a promise was not settled within a minute");
    }
    deliver();
  }
}

int64_t FakeNode::promises() const { return static_cast<int64_t>(env_->deferreds.size()); }
int64_t FakeNode::resolved() const { return env_->resolved; }
const std::map<std::string, int64_t>& FakeNode::rejected() const { return env_->rejected; }

}  // namespace sentorch

// The functions that the tested sources call; node_api_rest.cc has those that are only referenced.
extern "C" {

napi_status napi_set_instance_data(node_api_basic_env env, void* data, napi_finalize, void*) {
  env->instance_data = data;
  return napi_ok;
}

napi_status napi_get_instance_data(node_api_basic_env env, void** data) {
  env->check();
  *data = env->instance_data;
  return napi_ok;
}

napi_status napi_add_env_cleanup_hook(node_api_basic_env env, napi_cleanup_hook hook, void* data) {
  env->hooks.emplace_back(hook, data);
  return napi_ok;
}

napi_status napi_create_threadsafe_function(napi_env env, napi_value, napi_value, napi_value, size_t, size_t, void*,
                                            napi_finalize, void* context, napi_threadsafe_function_call_js call,
                                            napi_threadsafe_function* result) {
  env->channel = std::make_unique<napi_threadsafe_function__>();
  env->channel->context = context;
  env->channel->call = call;
  *result = env->channel.get();
  return napi_ok;
}

// Any thread.
napi_status napi_call_threadsafe_function(napi_threadsafe_function channel, void* data,
                                          napi_threadsafe_function_call_mode) {
  const std::lock_guard lock(channel->mutex);
  if (channel->closed) return napi_closing;
  channel->queue.push_back(data);
  channel->arrived.notify_one();
  return napi_ok;
}

napi_status napi_ref_threadsafe_function(node_api_basic_env env, napi_threadsafe_function channel) {
  env->check();
  channel->referenced = true;
  return napi_ok;
}

napi_status napi_unref_threadsafe_function(node_api_basic_env env, napi_threadsafe_function channel) {
  env->check();
  channel->referenced = false;
  return napi_ok;
}

napi_status napi_create_promise(napi_env env, napi_deferred* deferred, napi_value* promise) {
  *promise = env->make(napi_object);
  env->deferreds.push_back(std::make_unique<napi_deferred__>());
  *deferred = env->deferreds.back().get();
  return napi_ok;
}

napi_status napi_resolve_deferred(napi_env env, napi_deferred deferred, napi_value) {
  env->settle(deferred);
  ++env->resolved;
  return napi_ok;
}

napi_status napi_reject_deferred(napi_env env, napi_deferred deferred, napi_value error) {
  env->settle(deferred);
  ++env->rejected[error->properties.at("code")->text];
  return napi_ok;
}

napi_status napi_create_object(napi_env env, napi_value* result) {
  *result = env->make(napi_object);
  return napi_ok;
}

napi_status napi_create_error(napi_env env, napi_value, napi_value message, napi_value* result) {
  *result = env->make(napi_object, message->text);
  return napi_ok;
}

napi_status napi_create_double(napi_env env, double, napi_value* result) {
  *result = env->make(napi_number);
  return napi_ok;
}

napi_status napi_create_string_utf8(napi_env env, const char* text, size_t length, napi_value* result) {
  *result = env->make(napi_string, std::string(text, length == NAPI_AUTO_LENGTH ? std::strlen(text) : length));
  return napi_ok;
}

napi_status napi_set_named_property(napi_env env, napi_value object, const char* name, napi_value value) {
  env->check();
  object->properties[name] = value;
  return napi_ok;
}

napi_status napi_has_property(napi_env env, napi_value object, napi_value key, bool* result) {
  env->check();
  *result = object->properties.contains(key->text);
  return napi_ok;
}

napi_status napi_typeof(napi_env env, napi_value value, napi_valuetype* result) {
  env->check();
  *result = value->type;
  return napi_ok;
}

napi_status napi_create_reference(napi_env env, napi_value value, uint32_t, napi_ref* result) {
  env->check();
  env->references.push_back(std::make_unique<napi_ref__>(napi_ref__{value}));
  *result = env->references.back().get();
  return napi_ok;
}

napi_status napi_delete_reference(node_api_basic_env env, napi_ref) {
  env->check();
  return napi_ok;
}

napi_status napi_get_reference_value(napi_env env, napi_ref reference, napi_value* result) {
  env->check();
  *result = reference->value;
  return napi_ok;
}

napi_status napi_open_handle_scope(napi_env env, napi_handle_scope* result) {
  env->check();
  *result = nullptr;
  return napi_ok;
}

napi_status napi_close_handle_scope(napi_env env, napi_handle_scope) {
  env->check();
  return napi_ok;
}

napi_status napi_open_escapable_handle_scope(napi_env env, napi_escapable_handle_scope* result) {
  env->check();
  *result = nullptr;
  return napi_ok;
}

napi_status napi_close_escapable_handle_scope(napi_env env, napi_escapable_handle_scope) {
  env->check();
  return napi_ok;
}

napi_status napi_escape_handle(napi_env env, napi_escapable_handle_scope, napi_value value, napi_value* result) {
  env->check();
  *result = value;
  return napi_ok;
}

}  // extern "C"
