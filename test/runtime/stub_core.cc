// A core without libtorch, which is opened like the real one. Its models wait, and fail if a request says so. Their
// state is not protected, so that ThreadSanitizer reports every access that the executors do not order.
#include <chrono>
#include <new>
#include <thread>

#include "engine/engine.h"

namespace sentorch {
namespace {

void stop_point(const StopFlag& stop) {
  if (stop) throw Error("ERR_ABORTED", "The operation was aborted.");
}

void work(int64_t microseconds, const StopFlag& stop) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(microseconds);
  while (std::chrono::steady_clock::now() < end) {
    stop_point(stop);
    std::this_thread::yield();
  }
}

class StubModel final : public Model, public Training {
 public:
  LoadedModel info() const override { return {}; }
  std::string weights() override { return {}; }

  // Each id is the time that a part of the work takes, in microseconds; a negative one makes it fail.
  EncodeResult encode(const EncodeRequest& request, const StopFlag& stop) override {
    EncodeResult result{};
    for (const int32_t id : request.rows.ids) {
      if (id == -1) throw Error("ERR_NON_FINITE", "The model's output has values that are not finite.");
      if (id == -2) throw std::runtime_error("an exception of the standard library");
      if (id == -3) throw std::bad_alloc();
      if (id == -4) throw id;
      work(id, stop);
      result.values.push_back(static_cast<float>(++calls_));
    }
    return result;
  }

  // Runs until other work waits.
  TrainResult train(const TrainRequest& request, const StopFlag& stop, const Waiting& waiting) override {
    TrainResult result;
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double, std::milli>(request.milliseconds);
    while (waiting == 0 && std::chrono::steady_clock::now() < end) {
      work(5, stop);
      result.loss.push_back(static_cast<double>(++calls_));
    }
    return result;
  }

  EncodeResult finish(const FinishRequest&, const StopFlag&) override { return {}; }
  void add_head(const HeadSource&, const StopFlag&) override {}
  void remove_head(const std::string&) override {}
  void extend_head(const std::string&, int64_t, int64_t) override {}
  PredictResult predict(const PredictRequest&, const StopFlag&) override { return {}; }
  Training& start_training(const TrainingRequest&, const StopFlag&) override { return *this; }
  Training& training() override { return *this; }
  void end_training() override {}
  std::vector<std::vector<float>> read(ParameterValue, const std::vector<std::string>&) override { return {}; }
  void write(const WriteRequest&, const StopFlag&) override {}
  std::vector<ParameterInfo> parameters() const override { return {}; }
  void set_groups(const std::vector<GroupSource>&) override {}
  void set_corpus(CorpusRequest) override {}
  std::vector<int32_t> optimizer_steps() const override { return {}; }
  void restore(const RestoreRequest&, const StopFlag&) override {}
  void keep(const std::vector<int32_t>&) override {}
  void revert() override {}

 private:
  int64_t calls_ = 0;
};

class StubEngine final : public Engine {
 public:
  LibraryInfo library() override { return {"stub", {}, KernelSet::kPortable, false}; }

  std::unique_ptr<Model> load(const LoadRequest& request, const StopFlag& stop) override {
    work(request.threads, stop);
    return std::make_unique<StubModel>();
  }

  void release_memory() override {}
};

}  // namespace
}  // namespace sentorch

extern "C" SENTORCH_EXPORT sentorch::Engine* sentorch_engine() { return new sentorch::StubEngine(); }
