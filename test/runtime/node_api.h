// A substitute for Node: one environment of Node-API whose JavaScript thread is a thread of the test. It implements the
// functions that Environment and PromiseTask call, and aborts if they break a rule of Node-API: a value is used on
// another thread, or a promise is settled twice.
#pragma once
#include <napi.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

struct napi_env__;

namespace sentorch {

class FakeNode {
 public:
  // The calling thread becomes the JavaScript thread.
  FakeNode();
  // Ends the environment as Node ends that of a worker: runs the cleanup hooks, newest first, then drops whatever was
  // not delivered.
  ~FakeNode();

  Napi::Env env() const;
  // Delivers the results that have arrived.
  void deliver();
  // Delivers results until nothing keeps the environment alive.
  void run();

  int64_t promises() const;
  int64_t resolved() const;
  // How many promises were rejected, by the error's code.
  const std::map<std::string, int64_t>& rejected() const;

 private:
  std::unique_ptr<napi_env__> env_;
};

// Ends the process with a message.
[[noreturn]] void broken(const char* what);

}  // namespace sentorch
