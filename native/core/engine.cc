#include "engine/engine.h"

#include <torch/headeronly/version.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "common/cpu_features.h"
#include "common/threads.h"
#include "core/checks.h"
#include "core/device.h"
#include "core/guard.h"
#include "core/model.h"

namespace sentorch {
namespace {

// Lets operations of the calling thread run on `count` threads, including itself. libtorch starts the other threads
// twice: once by OpenMP, whose runtime ends the process if it cannot start a thread, and once in a pool, which then
// waits forever. Therefore the function first tests whether the system allows them.
void use_threads(int64_t count) {
  const int64_t needed = 2 * (count - 1), startable = startable_threads(needed);
  if (startable < needed) {
    throw Error("ERR_THREADS",
                "'threads: " + std::to_string(count) + "' needs " + std::to_string(needed) +
                    " more threads, but the system starts only " + std::to_string(startable) +
                    ": its limit on threads or its memory is exhausted. Load the model with a smaller 'threads', or "
                    "raise the limit (ulimit -u, the pids limit of the container, TasksMax of the service).");
  }
  // Affects the process and this thread, so it comes before any computation.
  at::set_num_threads(static_cast<int>(count));
  // Makes OpenMP start its threads now, while the system is known to allow them.
  at::parallel_for(0, count, 1, [](int64_t, int64_t) {});
}

class TorchEngine final : public Engine {
 public:
  LibraryInfo library() override {
    return guarded([] {
      const CpuFeatures cpu = cpu_features();
      return LibraryInfo{TORCH_VERSION, cuda_devices(), widest_kernels(), cpu.avx512_bf16 || cpu.amx_bf16};
    });
  }

  std::unique_ptr<Model> load(const LoadRequest& request, const StopFlag& stop) override {
    return guarded([&]() -> std::unique_ptr<Model> {
      check_load(request);
      use_threads(request.threads);
      return std::make_unique<EncoderModel>(request, stop);
    });
  }

  void release_memory() override {
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
  }
};

}  // namespace
}  // namespace sentorch

// Never destroyed, because process.exit() runs static destructors while threads may still run.
sentorch::Engine* sentorch_engine() {
  static auto* const engine = new sentorch::TorchEngine();
  return engine;
}
