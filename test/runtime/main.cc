// Runs Executor, Environment, PromiseTask and library under ThreadSanitizer, with substitutes for Node and for the
// core. The program ends with ThreadSanitizer's exit code if that reports anything, and aborts if a check fails.
//
//   sentorch_runtime_test CORE lives COUNT SEED   uses models on several JavaScript threads
//   sentorch_runtime_test CORE exit SEED          calls exit() while all of them work
//   sentorch_runtime_test race                    has a data race on purpose
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "binding/runtime/library.h"
#include "binding/runtime/promise_task.h"
#include "runtime/node_api.h"

namespace sentorch {
namespace {

constexpr int kJavaScriptThreads = 4;
constexpr int kModels = 3;         // of an environment, at the same time
constexpr int kLongestWork = 150;  // microseconds

class Dice {
 public:
  explicit Dice(uint64_t seed) : random_(seed) {}
  int below(int end) { return static_cast<int>(random_() % static_cast<uint64_t>(end)); }
  bool chance(int percent) { return below(100) < percent; }

 private:
  std::mt19937_64 random_;
};

// Uses an executor as ModelWrap does, without the conversions.
class TestModel {
 public:
  explicit TestModel(Napi::Env env) : env_(env), executor_(Environment::of(env).make_executor()) {}

  void load(Dice& dice) {
    LoadRequest request{};
    request.threads = dice.below(kLongestWork);
    post<LoadedModel>([request](std::unique_ptr<Model>& model, const StopFlag& stop) {
      Engine* engine = opened_engine();
      if (!engine) throw Error("ERR_INTERNAL", "libtorch was not opened.");
      model = engine->load(request, stop);
      return model->info();
    });
  }

  void encode(Dice& dice) {
    EncodeRequest request{};
    for (int i = dice.below(4); i >= 0; --i) request.rows.ids.push_back(dice.below(kLongestWork));
    if (dice.chance(20)) request.rows.ids.push_back(-1 - dice.below(4));
    const bool unconvertible = dice.chance(5);
    post<EncodeResult>(
        [request](std::unique_ptr<Model>& model, const StopFlag& stop) { return ready(model).encode(request, stop); },
        [unconvertible](Napi::Env env, EncodeResult result) -> Napi::Value {
          if (unconvertible) throw coded_error(env, "ERR_INTERNAL", "not convertible");
          return Napi::Number::New(env, result.values.empty() ? 0 : result.values.back());
        });
  }

  void train(Dice& dice) {
    TrainRequest request{};
    request.milliseconds = dice.below(3);
    const Waiting& waiting = executor_->waiting();
    post<TrainResult>([request, &waiting](std::unique_ptr<Model>& model, const StopFlag& stop) {
      return ready(model).training().train(request, stop, waiting);
    });
  }

  void abort(Dice& dice) { executor_->abort(dice.below(static_cast<int>(last_) + 1)); }

  void dispose() {
    auto task = make<int>([](std::unique_ptr<Model>& model, const StopFlag&) {
      model.reset();
      if (Engine* engine = opened_engine()) engine->release_memory();
      return 0;
    });
    Environment::of(env_).expect();
    executor_->close(std::move(task));
  }

 private:
  static Model& ready(const std::unique_ptr<Model>& model) {
    if (!model) throw Error("ERR_INTERNAL", "The model was not loaded.");
    return *model;
  }

  template <typename Result>
  std::unique_ptr<PromiseTask<Result>> make(typename PromiseTask<Result>::Work work,
                                            typename PromiseTask<Result>::Finish finish = {}) {
    if (!finish) finish = [](Napi::Env env, Result) -> Napi::Value { return Napi::Number::New(env, 0); };
    return std::make_unique<PromiseTask<Result>>(env_, Napi::Object::New(env_), std::move(work), std::move(finish));
  }

  template <typename Result>
  void post(typename PromiseTask<Result>::Work work, typename PromiseTask<Result>::Finish finish = {}) {
    auto task = make<Result>(std::move(work), std::move(finish));
    task->task = ++last_;
    start(env_, *executor_, std::move(task));
  }

  Napi::Env env_;
  std::shared_ptr<Executor> executor_;
  int64_t last_ = 0;
};

void open(Napi::Env env, const std::string& core) {
  auto task = std::make_unique<PromiseTask<LibraryInfo>>(
      env, Napi::Object::New(env),
      [core](std::unique_ptr<Model>&, const StopFlag&) {
        return open_library({{core}, core});
      },
      [spin = std::make_shared<ShortSpin>()](Napi::Env env, LibraryInfo) -> Napi::Value {
        return Napi::Number::New(env, 0);
      });
  start(env, Environment::of(env).opener(), std::move(task));
}

void act(FakeNode& node, TestModel& model, Dice& dice) {
  switch (dice.below(7)) {
    case 0:
    case 1:
    case 2:
      return model.encode(dice);
    case 3:
      return model.train(dice);
    case 4:
      return model.abort(dice);
    case 5:
      return node.deliver();
    default:
      std::this_thread::sleep_for(std::chrono::microseconds(dice.below(kLongestWork)));
  }
}

void check(const FakeNode& node) {
  int64_t settled = node.resolved();
  for (const auto& [code, count] : node.rejected()) {
    settled += count;
    if (code != "ERR_ABORTED" && code != "ERR_DISPOSED" && code != "ERR_NON_FINITE" && code != "ERR_OUT_OF_MEMORY" &&
        code != "ERR_INTERNAL")
      broken(("a promise was rejected with " + code).c_str());
  }
  if (settled != node.promises()) broken("a promise was not settled");
}

// Creates an environment with some models and ends it; half of the environments end while their models work.
void live(const std::string& core, Dice& dice) {
  FakeNode node;
  Environment::create(node.env());
  open(node.env(), core);
  node.run();
  std::vector<TestModel> models;
  for (int i = 0; i < kModels; ++i) {
    models.emplace_back(node.env());
    models.back().load(dice);
  }
  for (int i = dice.below(30); i >= 0; --i) act(node, models[static_cast<size_t>(dice.below(kModels))], dice);
  for (TestModel& model : models) {
    if (!dice.chance(70)) continue;
    model.dispose();
    act(node, model, dice);
  }
  if (dice.chance(50)) return;
  node.run();
  check(node);
}

int run_lives(const std::string& core, int count, uint64_t seed) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kJavaScriptThreads; ++thread) {
    threads.emplace_back([=] {
      Dice dice(seed * kJavaScriptThreads + static_cast<uint64_t>(thread));
      for (int i = thread * kModels; i < count; i += kModels * kJavaScriptThreads) live(core, dice);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return 0;
}

// As when a library for signals calls process.reallyExit(): the JavaScript threads of workers do not know of it. In
// half of the cases a worker's thread calls exit(), as libgomp does where the system refuses a thread.
[[noreturn]] void run_exit(const std::string& core, uint64_t seed) {
  const auto* node = new FakeNode();
  Environment::create(node->env());
  Dice dice(seed);
  const std::chrono::microseconds delay(dice.below(30'000));
  const bool by_worker = dice.chance(50);
  for (int thread = 0; thread < kJavaScriptThreads; ++thread) {
    std::thread([=] {
      Dice own(seed * kJavaScriptThreads + static_cast<uint64_t>(thread));
      const auto end = std::chrono::steady_clock::now() + delay;
      while (true) {
        live(core, own);
        if (by_worker && thread == 0 && std::chrono::steady_clock::now() > end) std::exit(0);
      }
    }).detach();
  }
  if (by_worker) std::this_thread::sleep_for(std::chrono::hours(1));
  std::this_thread::sleep_for(delay);
  std::exit(0);
}

int run_race() {
  int number = 0;
  std::thread other([&number] { ++number; });
  ++number;
  other.join();
  return number == 2 ? 0 : 1;
}

}  // namespace
}  // namespace sentorch

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (args.size() == 1 && args[0] == "race") return sentorch::run_race();
  if (args.size() == 4 && args[1] == "lives")
    return sentorch::run_lives(args[0], std::stoi(args[2]), std::stoull(args[3]));
  if (args.size() == 3 && args[1] == "exit") sentorch::run_exit(args[0], std::stoull(args[2]));
  std::fprintf(stderr, "See the top of test/runtime/main.cc.\n");
  return 2;
}
