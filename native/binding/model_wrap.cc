#include "binding/model_wrap.h"

#include <utility>

#include "binding/convert/encode.h"
#include "binding/convert/fields.h"
#include "binding/convert/heads.h"
#include "binding/convert/parameters.h"
#include "binding/convert/training.h"
#include "binding/runtime/library.h"
#include "binding/runtime/promise_task.h"

namespace sentorch {
namespace {

Model& ready(const std::unique_ptr<Model>& model) {
  if (!model) throw Error("ERR_INTERNAL", "The model was not loaded.");
  return *model;
}

struct Done {};

// Whether abort() can stop the work, by the request's `task`.
enum class Abort { kNever, kByTask };

Napi::Value undefined(Napi::Env env, Done) { return env.Undefined(); }

// One operation of a loaded model. `read` makes the request from the arguments (JavaScript thread), `work` carries it
// out (executor's thread), `finish` converts the result (JavaScript thread).
template <typename Read, typename Work, typename Finish>
Napi::Value operation(const Napi::CallbackInfo& info, Executor& executor, Read read, Work work, Finish finish,
                      Abort abort = Abort::kNever) {
  const Napi::Env env = info.Env();
  return promised(env, [&]() -> Napi::Value {
    auto request = std::make_shared<decltype(read(info))>(read(info));
    const int64_t number = abort == Abort::kByTask ? convert::integer(info[0].As<Napi::Object>(), "task") : 0;
    using Result = decltype(work(std::declval<Model&>(), *request, std::declval<const StopFlag&>()));
    auto job = [request = std::move(request), work](std::unique_ptr<Model>& model, const StopFlag& stop) {
      return work(ready(model), *request, stop);
    };
    auto task = std::make_unique<PromiseTask<Result>>(env, info.This().As<Napi::Object>(), std::move(job), finish);
    task->task = number;
    return start(env, executor, std::move(task));
  });
}

std::string first_text(const Napi::CallbackInfo& info) { return convert::as_text(info[0], "name"); }

}  // namespace

Napi::Function ModelWrap::define(Napi::Env env) {
  return DefineClass(env, "NativeModel",
                     {InstanceMethod<&ModelWrap::load>("load"),
                      InstanceMethod<&ModelWrap::weights>("weights"),
                      InstanceMethod<&ModelWrap::encode>("encode"),
                      InstanceMethod<&ModelWrap::finish>("finish"),
                      InstanceMethod<&ModelWrap::add_head>("addHead"),
                      InstanceMethod<&ModelWrap::remove_head>("removeHead"),
                      InstanceMethod<&ModelWrap::extend_head>("extendHead"),
                      InstanceMethod<&ModelWrap::predict>("predict"),
                      InstanceMethod<&ModelWrap::start_training>("startTraining"),
                      InstanceMethod<&ModelWrap::set_groups>("setGroups"),
                      InstanceMethod<&ModelWrap::set_corpus>("setCorpus"),
                      InstanceMethod<&ModelWrap::train>("train"),
                      InstanceMethod<&ModelWrap::end_training>("endTraining"),
                      InstanceMethod<&ModelWrap::optimizer_steps>("optimizerSteps"),
                      InstanceMethod<&ModelWrap::restore>("restore"),
                      InstanceMethod<&ModelWrap::keep>("keep"),
                      InstanceMethod<&ModelWrap::revert>("revert"),
                      InstanceMethod<&ModelWrap::read>("read"),
                      InstanceMethod<&ModelWrap::write>("write"),
                      InstanceMethod<&ModelWrap::abort>("abort"),
                      InstanceMethod<&ModelWrap::dispose>("dispose")});
}

ModelWrap::ModelWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ModelWrap>(info) {
  Environment& environment = Environment::of(info.Env());
  if (environment.ended()) throw coded_error(info.Env(), "ERR_DISPOSED", "The process is ending.");
  executor_ = environment.make_executor();
}

Napi::Value ModelWrap::load(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return promised(env, [&]() -> Napi::Value {
    auto request = std::make_shared<LoadRequest>(convert::load_request(info[0]));
    auto work = [request = std::move(request)](std::unique_ptr<Model>& model, const StopFlag& stop) {
      Engine* engine = opened_engine();
      if (!engine) throw Error("ERR_INTERNAL", "libtorch was not opened.");
      model = engine->load(*request, stop);
      return model->info();
    };
    return start(env, *executor_,
                 std::make_unique<PromiseTask<LoadedModel>>(env, Value(), std::move(work), convert::loaded_model));
  });
}

Napi::Value ModelWrap::weights(const Napi::CallbackInfo& info) {
  return operation(
      info, *executor_, [](const auto&) { return Done{}; },
      [](Model& model, Done, const StopFlag&) { return model.weights(); },
      [](Napi::Env env, const std::string& text) -> Napi::Value { return Napi::String::New(env, text); });
}

Napi::Value ModelWrap::encode(const Napi::CallbackInfo& info) {
  return operation(
      info, *executor_, [](const auto& i) { return convert::encode_request(i[0]); },
      [](Model& model, const EncodeRequest& request, const StopFlag& stop) { return model.encode(request, stop); },
      convert::encode_result, Abort::kByTask);
}

Napi::Value ModelWrap::finish(const Napi::CallbackInfo& info) {
  return operation(
      info, *executor_, [](const auto& i) { return convert::finish_request(i[0]); },
      [](Model& model, const FinishRequest& request, const StopFlag& stop) { return model.finish(request, stop); },
      convert::encode_result, Abort::kByTask);
}

Napi::Value ModelWrap::add_head(const Napi::CallbackInfo& info) {
  return operation(
      info, *executor_, [](const auto& i) { return convert::head_source(i[0]); },
      [](Model& model, const HeadSource& source, const StopFlag& stop) {
        model.add_head(source, stop);
        return Done{};
      },
      undefined);
}

Napi::Value ModelWrap::remove_head(const Napi::CallbackInfo& info) {
  return operation(
      info, *executor_, first_text,
      [](Model& model, const std::string& name, const StopFlag&) {
        model.remove_head(name);
        return Done{};
      },
      undefined);
}

Napi::Value ModelWrap::extend_head(const Napi::CallbackInfo& info) {
  struct Extension {
    std::string name;
    int64_t count, seed;
  };
  return operation(
      info, *executor_,
      [](const auto& i) {
        return Extension{first_text(i), convert::as_integer(i[1], "count"), convert::as_integer(i[2], "seed")};
      },
      [](Model& model, const Extension& extension, const StopFlag&) {
        model.extend_head(extension.name, extension.count, extension.seed);
        return Done{};
      },
      undefined);
}

Napi::Value ModelWrap::predict(const Napi::CallbackInfo& info) {
  return operation(
      info, *executor_, [](const auto& i) { return convert::predict_request(i[0]); },
      [](Model& model, const PredictRequest& request, const StopFlag& stop) { return model.predict(request, stop); },
      convert::predict_result, Abort::kByTask);
}

Napi::Value ModelWrap::start_training(const Napi::CallbackInfo& info) {
  return operation(
      info, *executor_, [](const auto& i) { return convert::training_request(i[0]); },
      [](Model& model, const TrainingRequest& request, const StopFlag& stop) {
        return model.start_training(request, stop).parameters();
      },
      convert::training_info);
}

Napi::Value ModelWrap::set_groups(const Napi::CallbackInfo& info) {
  return operation(
      info, *executor_, [](const auto& i) { return convert::groups(i[0]); },
      [](Model& model, const std::vector<GroupSource>& groups, const StopFlag&) {
        model.training().set_groups(groups);
        return Done{};
      },
      undefined);
}

Napi::Value ModelWrap::set_corpus(const Napi::CallbackInfo& info) {
  return operation(
      info, *executor_, [](const auto& i) { return convert::corpus_request(i[0]); },
      [](Model& model, CorpusRequest& request, const StopFlag&) {
        model.training().set_corpus(std::move(request));
        return Done{};
      },
      undefined);
}

Napi::Value ModelWrap::train(const Napi::CallbackInfo& info) {
  const Waiting& waiting = executor_->waiting();
  return operation(
      info, *executor_, [](const auto& i) { return convert::train_request(i[0]); },
      [&waiting](Model& model, const TrainRequest& request, const StopFlag& stop) {
        return model.training().train(request, stop, waiting);
      },
      convert::train_result, Abort::kByTask);
}

Napi::Value ModelWrap::end_training(const Napi::CallbackInfo& info) {
  return operation(
      info, *executor_, [](const auto&) { return Done{}; },
      [](Model& model, Done, const StopFlag&) {
        model.end_training();
        return Done{};
      },
      undefined);
}

Napi::Value ModelWrap::optimizer_steps(const Napi::CallbackInfo& info) {
  return operation(
      info, *executor_, [](const auto&) { return Done{}; },
      [](Model& model, Done, const StopFlag&) { return model.training().optimizer_steps(); }, convert::optimizer_steps);
}

Napi::Value ModelWrap::restore(const Napi::CallbackInfo& info) {
  return operation(
      info, *executor_, [](const auto& i) { return convert::restore_request(i[0]); },
      [](Model& model, const RestoreRequest& request, const StopFlag& stop) {
        model.training().restore(request, stop);
        return Done{};
      },
      undefined);
}

Napi::Value ModelWrap::keep(const Napi::CallbackInfo& info) {
  return operation(
      info, *executor_, [](const auto& i) { return convert::indices(i[0]); },
      [](Model& model, const std::vector<int32_t>& parameters, const StopFlag&) {
        model.training().keep(parameters);
        return Done{};
      },
      undefined);
}

Napi::Value ModelWrap::revert(const Napi::CallbackInfo& info) {
  return operation(
      info, *executor_, [](const auto&) { return Done{}; },
      [](Model& model, Done, const StopFlag&) {
        model.training().revert();
        return Done{};
      },
      undefined);
}

Napi::Value ModelWrap::read(const Napi::CallbackInfo& info) {
  struct Names {
    ParameterValue value;
    std::vector<std::string> names;
  };
  return operation(
      info, *executor_,
      [](const auto& i) {
        return Names{convert::parameter_value(i[0]), convert::names(i[1])};
      },
      [](Model& model, const Names& request, const StopFlag&) { return model.read(request.value, request.names); },
      convert::arrays);
}

Napi::Value ModelWrap::write(const Napi::CallbackInfo& info) {
  return operation(
      info, *executor_, [](const auto& i) { return convert::write_request(i[0]); },
      [](Model& model, const WriteRequest& request, const StopFlag& stop) {
        model.write(request, stop);
        return Done{};
      },
      undefined);
}

void ModelWrap::abort(const Napi::CallbackInfo& info) { executor_->abort(convert::as_integer(info[0], "task")); }

Napi::Value ModelWrap::dispose(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return promised(env, [&]() -> Napi::Value {
    if (!disposed_.IsEmpty()) return disposed_.Value();
    auto work = [](std::unique_ptr<Model>& model, const StopFlag&) {
      model.reset();
      if (Engine* engine = opened_engine()) engine->release_memory();
      return Done{};
    };
    auto task = std::make_unique<PromiseTask<Done>>(env, Value(), std::move(work), undefined);
    const Napi::Promise promise = task->promise();
    disposed_ = Napi::Reference<Napi::Promise>::New(promise, 1);
    disposed_.SuppressDestruct();
    Environment::of(env).expect();
    executor_->close(std::move(task));
    return promise;
  });
}

}  // namespace sentorch
