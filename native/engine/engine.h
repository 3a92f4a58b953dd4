// The interface between the binding and the core: plain values in, plain values out, without any type of torch. The
// headers in this folder mirror binding.d.ts. lib/ resolves all requests, so their fields have no defaults.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/encode.h"
#include "engine/error.h"
#include "engine/heads.h"
#include "engine/parameters.h"
#include "engine/training.h"
#include "engine/weights.h"

namespace sentorch {

// Set by another thread and checked between layers and between tensors. The work then throws Error("ERR_ABORTED").
using StopFlag = std::atomic<bool>;

// The number of requests that wait for the thread on which a long request runs.
using Waiting = std::atomic<int64_t>;

// The trainer of a model; a model has at most one.
class Training {
 public:
  virtual ~Training() = default;
  virtual std::vector<ParameterInfo> parameters() const = 0;
  virtual void set_groups(const std::vector<GroupSource>& groups) = 0;
  virtual void set_corpus(CorpusRequest request) = 0;
  virtual TrainResult train(const TrainRequest& request, const StopFlag& stop, const Waiting& waiting) = 0;
  virtual std::vector<int32_t> optimizer_steps() const = 0;
  virtual void restore(const RestoreRequest& request, const StopFlag& stop) = 0;
  virtual void keep(const std::vector<int32_t>& parameters) = 0;
  virtual void revert() = 0;
};

// Created, used and destroyed on one thread.
class Model {
 public:
  virtual ~Model() = default;
  virtual LoadedModel info() const = 0;
  virtual std::string weights() = 0;
  virtual EncodeResult encode(const EncodeRequest& request, const StopFlag& stop) = 0;
  virtual EncodeResult finish(const FinishRequest& request, const StopFlag& stop) = 0;

  virtual void add_head(const HeadSource& source, const StopFlag& stop) = 0;
  virtual void remove_head(const std::string& name) = 0;
  virtual void extend_head(const std::string& name, int64_t count, int64_t seed) = 0;
  virtual PredictResult predict(const PredictRequest& request, const StopFlag& stop) = 0;

  virtual Training& start_training(const TrainingRequest& request, const StopFlag& stop) = 0;
  virtual Training& training() = 0;
  virtual void end_training() = 0;

  virtual std::vector<std::vector<float>> read(ParameterValue value, const std::vector<std::string>& names) = 0;
  virtual void write(const WriteRequest& request, const StopFlag& stop) = 0;
};

struct LibraryInfo {
  std::string torch_version;
  std::vector<std::string> cuda_devices;
  KernelSet kernels;
  bool fast_bfloat16;
};

// Stateless. Every method throws only Error.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual LibraryInfo library() = 0;
  virtual std::unique_ptr<Model> load(const LoadRequest& request, const StopFlag& stop) = 0;
  // Returns freed memory to the operating system if the allocator would keep it.
  virtual void release_memory() = 0;
};

}  // namespace sentorch

// The only symbol that the binding looks up.
extern "C" SENTORCH_EXPORT sentorch::Engine* sentorch_engine();
