#include "binding/runtime/executor.h"

#include <algorithm>
#include <set>
#include <system_error>

namespace sentorch {

namespace {

constexpr Refusal kNoThread{
    "ERR_THREADS",
    "The system refused to start a thread for the model: its limit on threads or its memory is exhausted. Raise the "
    "limit (ulimit -u, the pids limit of the container, TasksMax of the service), or dispose of other models."};
constexpr Refusal kNoMemory{"ERR_OUT_OF_MEMORY", "Memory ran out."};
constexpr auto kLongWait = std::chrono::hours(1);
constexpr auto kExitWait = std::chrono::seconds(10);

// All executors of the process. Never destroyed, because exit() runs static destructors while threads may still run.
// This mutex is locked before the mutex of an executor.
struct Executors {
  std::mutex mutex;
  std::set<Executor*> all;
  bool ended = false;
};

Executors& executors() {
  static Executors* const process = new Executors();
  return *process;
}

thread_local const Executor* own = nullptr;  // the executor whose thread this is, or null

}  // namespace

Executor::Executor() {
  const std::lock_guard lock(executors().mutex);
  executors().all.insert(this);
  ended_ = closing_ = executors().ended;
}

Executor::~Executor() {
  shutdown();
  const std::lock_guard lock(executors().mutex);
  executors().all.erase(this);
}

void Executor::post(std::unique_ptr<Job> job) noexcept {
  const Refusal* reason = &kDisposed;
  {
    const std::lock_guard lock(mutex_);
    try {
      if (!closing_) {
        if (!alive_) thread_ = std::thread([this] { loop(); });
        alive_ = true;
        queue_.push_back(std::move(job));
        waiting_ = static_cast<int64_t>(queue_.size());
        wake_.notify_one();
        return;
      }
    } catch (const std::system_error&) {
      reason = &kNoThread;
    } catch (...) {
      reason = &kNoMemory;
    }
  }
  job->refuse(*reason);
  Job::settle(std::move(job));
}

void Executor::abort(int64_t task) {
  std::deque<std::unique_ptr<Job>> found;
  {
    const std::lock_guard lock(mutex_);
    if (running_ && running_->task == task) running_->stop(kAborted);
    for (auto it = queue_.begin(); it != queue_.end();) {
      if ((*it)->task == task) {
        found.push_back(std::move(*it));
        it = queue_.erase(it);
      } else {
        ++it;
      }
    }
    waiting_ = static_cast<int64_t>(queue_.size());
  }
  refuse(std::move(found), kAborted);
}

void Executor::close(std::unique_ptr<Job> last) {
  std::deque<std::unique_ptr<Job>> waiting;
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    waiting.swap(queue_);
    if (running_) running_->stop(kDisposed);
    if (alive_) queue_.push_back(std::move(last));
    waiting_ = static_cast<int64_t>(queue_.size());
    wake_.notify_one();
  }
  refuse(std::move(waiting), kDisposed);
  if (!last) return;
  // There is no thread: none was started, so no model was loaded, or shutdown() has freed the model.
  last->run(model_);
  Job::settle(std::move(last));
}

void Executor::shutdown() {
  end();
  join();
}

void Executor::shutdown_all() noexcept {
  const std::lock_guard lock(executors().mutex);
  executors().ended = true;
  const auto time = std::chrono::steady_clock::now() + kExitWait;
  for (Executor* each : executors().all) each->end();
  for (Executor* each : executors().all) {
    if (each != own && each->ended_before(time)) each->join();
  }
}

void Executor::end() {
  const std::lock_guard lock(mutex_);
  closing_ = true;
  ended_ = true;
  queue_.clear();
  waiting_ = 0;
  if (running_) running_->stop(kDisposed);
  wake_.notify_one();
}

bool Executor::ended_before(std::chrono::steady_clock::time_point time) {
  std::unique_lock lock(mutex_);
  return over_.wait_until(lock, time, [this] { return !alive_; });
}

// One thread at a time, because a worker thread may end its environment while another thread is in exit().
void Executor::join() {
  const std::lock_guard lock(joining_);
  if (thread_.joinable()) thread_.join();
}

void Executor::refuse(std::deque<std::unique_ptr<Job>> jobs, const Refusal& reason) {
  for (auto& job : jobs) {
    job->refuse(reason);
    Job::settle(std::move(job));
  }
}

void Executor::loop() {
  own = this;
  std::unique_lock lock(mutex_);
  while (true) {
    // Not wait(): it would need a newer libstdc++ (GLIBCXX_3.4.30) than all other code here.
    while (!wake_.wait_for(lock, kLongWait, [this] { return ended_ || !queue_.empty(); })) {
    }
    if (ended_) break;
    std::unique_ptr<Job> job = std::move(queue_.front());
    queue_.pop_front();
    waiting_ = static_cast<int64_t>(queue_.size());
    running_ = job.get();
    lock.unlock();
    job->run(model_);
    lock.lock();
    running_ = nullptr;
    const bool last = closing_ && queue_.empty();
    lock.unlock();
    Job::settle(std::move(job));
    lock.lock();
    if (last) break;
  }
  lock.unlock();
  model_.reset();
  lock.lock();
  alive_ = false;
  over_.notify_all();
}

}  // namespace sentorch
