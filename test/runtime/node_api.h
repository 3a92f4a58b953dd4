// A stand-in for Node: one environment of Node-API whose JavaScript thread is a thread of the test. It has what
// Environment and PromiseTask call, and ends the process where they break a rule of Node-API: a value touched on
// another thread, a promise settled twice.
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
  // Ends the environment as Node ends that of a worker: cleanup hooks, newest first, then whatever is still under way
  // is dropped.
  ~FakeNode();

  Napi::Env env() const;
  // Settles what has arrived.
  void deliver();
  // Settles what arrives until nothing keeps the environment alive.
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
