#include "binding/runtime/library.h"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <set>

#include "binding/runtime/executor.h"
#include "binding/runtime/image.h"

#if defined(_WIN32)
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace sentorch {
namespace {

// Never destroyed, because threads may still run when process.exit() runs the static destructors.
struct Opened {
  std::mutex mutex;
  std::atomic<Engine*> engine{nullptr};
  // File names: a second copy of a library, from another folder, must not be opened in addition to the first.
  std::set<std::filesystem::path> names;
};

Opened& opened() {
  static Opened* const state = new Opened();
  return *state;
}

#if defined(_WIN32)

void* open_file(const std::string& path, std::string& problem) {
  void* handle = LoadLibraryExW(std::filesystem::u8path(path).c_str(), nullptr, LOAD_WITH_ALTERED_SEARCH_PATH);
  if (!handle) problem = "LoadLibrary failed with error " + std::to_string(GetLastError());
  return handle;
}

void* symbol(void* handle, const char* name) {
  return reinterpret_cast<void*>(GetProcAddress(static_cast<HMODULE>(handle), name));
}

#else

void* open_file(const std::string& path, std::string& problem) {
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) problem = dlerror();
  return handle;
}

void* symbol(void* handle, const char* name) { return dlsym(handle, name); }

#endif

void open_torch(const std::string& path) {
  std::string problem;
  if (!open_file(path, problem)) {
    throw Error("ERR_LIBTORCH_MISSING",
                path + " cannot be opened: " + problem +
                    ". Run `npx sentorch doctor`, or `npx sentorch install-libtorch --force` to fetch it again.");
  }
}

Engine* open_core(const std::string& path) {
  std::string problem;
  void* handle = open_file(path, problem);
  if (!handle) {
    throw Error("ERR_LIBTORCH_VERSION", path + " cannot be loaded with the libtorch that was opened: " + problem +
                                            ". Run `npx sentorch install-libtorch`.");
  }
  auto* make = reinterpret_cast<Engine* (*)()>(symbol(handle, "sentorch_engine"));
  if (!make) throw Error("ERR_ADDON_MISSING", path + " is not the core of this package. Install sentorch again.");
  return make();
}

}  // namespace

#if defined(_WIN32)

ShortSpin::ShortSpin() {}
ShortSpin::~ShortSpin() {}

#else

namespace {

// How often an OpenMP thread looks for work before it sleeps: some tens of microseconds.
constexpr const char* kSpinName = "GOMP_SPINCOUNT";
constexpr const char* kSpinCount = "10000";

// The number of environments (worker threads) that are opening libraries, and whether we have set the variable.
struct Spin {
  std::mutex mutex;
  int openings = 0;
  bool ours = false;
};

Spin& spin() {
  static Spin* const state = new Spin();
  return *state;
}

}  // namespace

ShortSpin::ShortSpin() {
  const std::lock_guard lock(spin().mutex);
  if (spin().openings++ > 0 || opened_engine() || std::getenv(kSpinName) || std::getenv("OMP_WAIT_POLICY")) return;
  spin().ours = setenv(kSpinName, kSpinCount, 1) == 0;
}

ShortSpin::~ShortSpin() {
  const std::lock_guard lock(spin().mutex);
  if (--spin().openings > 0 || !spin().ours) return;
  unsetenv(kSpinName);
  spin().ours = false;
}

#endif

LibraryInfo open_library(const OpenRequest& request) {
  Opened& state = opened();
  const std::lock_guard lock(state.mutex);
  std::vector<std::string> closed;
  for (const std::string& path : request.libraries) {
    if (!state.names.contains(std::filesystem::u8path(path).filename())) closed.push_back(path);
  }
  for (const std::string& path : closed) {
    if (const auto problem = image_problem(path)) {
      throw Error("ERR_LIBTORCH_MISSING",
                  path + " " + *problem + ". Run `npx sentorch install-libtorch --force` to fetch it again.");
    }
  }
  if (const auto problem = image_problem(request.core))
    throw Error("ERR_ADDON_MISSING", request.core + " " + *problem + ". Install sentorch again.");
  for (const std::string& path : closed) {
    open_torch(path);
    state.names.insert(std::filesystem::u8path(path).filename());
  }
  if (!state.engine) {
    state.engine = open_core(request.core);
    // For an exit() on a thread other than the main one: libgomp calls it if the system does not allow it to start a
    // thread.
    std::atexit([] { Executor::shutdown_all(); });
  }
  return state.engine.load()->library();
}

Engine* opened_engine() { return opened().engine; }

}  // namespace sentorch
