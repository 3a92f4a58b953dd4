#include "core/engine.h"

#include <torch/headeronly/version.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "common/cpu_features.h"
#include "core/device.h"
#include "core/guard.h"
#include "core/model.h"

namespace sentorch {
namespace {

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
      // Global and of this thread: before anything else computes here.
      at::set_num_threads(static_cast<int>(request.threads));
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

// Never destroyed: process.exit() runs static destructors while threads may still be here.
sentorch::Engine* sentorch_engine() {
  static auto* const engine = new sentorch::TorchEngine();
  return engine;
}
