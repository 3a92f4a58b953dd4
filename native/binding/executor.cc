#include "binding/executor.h"

#include <algorithm>
#include <chrono>

namespace sentorch {

namespace {
constexpr const char* kDisposed = "The model was disposed.";
constexpr auto kLongWait = std::chrono::hours(1);
}  // namespace

Executor::Executor() : thread_([this] { loop(); }) {}

Executor::~Executor() { shutdown(); }

void Executor::post(std::unique_ptr<Job> job) {
  {
    const std::lock_guard lock(mutex_);
    if (!closing_) {
      queue_.push_back(std::move(job));
      waiting_ = static_cast<int64_t>(queue_.size());
      wake_.notify_one();
      return;
    }
  }
  job->refuse("ERR_DISPOSED", kDisposed);
  Job::settle(std::move(job));
}

void Executor::abort(int64_t task) {
  std::deque<std::unique_ptr<Job>> found;
  {
    const std::lock_guard lock(mutex_);
    if (running_ && running_->task == task) running_->stop("ERR_ABORTED");
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
  refuse(std::move(found), "ERR_ABORTED", "The operation was aborted.");
}

void Executor::close(std::unique_ptr<Job> last) {
  std::deque<std::unique_ptr<Job>> waiting;
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    waiting.swap(queue_);
    if (running_) running_->stop("ERR_DISPOSED");
    queue_.push_back(std::move(last));
    wake_.notify_one();
  }
  refuse(std::move(waiting), "ERR_DISPOSED", kDisposed);
}

void Executor::shutdown() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    ended_ = true;
    queue_.clear();
    if (running_) running_->stop("ERR_DISPOSED");
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Executor::refuse(std::deque<std::unique_ptr<Job>> jobs, const char* code, const char* message) {
  for (auto& job : jobs) {
    job->refuse(code, message);
    Job::settle(std::move(job));
  }
}

void Executor::loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    // With a bound, since the unbounded wait() would need a newer libstdc++ (GLIBCXX_3.4.30) than all else here.
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
}

}  // namespace sentorch
