// One native thread with a queue, which owns one model. Independent of Node.
#pragma once
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "engine/engine.h"

namespace sentorch {

// The reason for which a job is not carried out.
struct Refusal {
  const char* code;
  const char* message;
};
inline constexpr Refusal kAborted{"ERR_ABORTED", "The operation was aborted."};
inline constexpr Refusal kDisposed{"ERR_DISPOSED", "The model was disposed."};

// One unit of work: run() or refuse() determines its outcome, then settle() hands it over, once.
class Job {
 public:
  virtual ~Job() = default;
  // Executor's thread. `model` belongs to the executor; it is null before load and after close. Must not throw.
  virtual void run(std::unique_ptr<Model>& model) noexcept = 0;
  // Any thread, instead of run().
  virtual void refuse(const Refusal& reason) noexcept = 0;
  // Any thread. Hands the job to whoever waits for its outcome.
  static void settle(std::unique_ptr<Job> job) noexcept {
    Job* const raw = job.release();
    raw->hand_over();
  }

  // Any thread. Running work checks it between two layers; the job then fails with this reason, which must be a
  // constant.
  void stop(const Refusal& reason) {
    stop_reason_ = &reason;
    stop_ = true;
  }

  int64_t task = 0;  // the caller's number, for abort

 protected:
  // Takes ownership of itself.
  virtual void hand_over() noexcept = 0;
  const StopFlag& stop_flag() const { return stop_; }
  const Refusal& stop_reason() const { return *stop_reason_; }

 private:
  std::atomic<const Refusal*> stop_reason_{&kAborted};
  StopFlag stop_{false};
};

// JavaScript thread, except where noted.
class Executor {
 public:
  Executor();
  // Ends the thread: the running job is stopped, and waiting jobs are dropped without being settled. Returns when the
  // thread has ended.
  ~Executor();

  // The first job starts the thread. If the system does not allow that, the job is refused (ERR_THREADS), and the next
  // job tries again.
  void post(std::unique_ptr<Job> job) noexcept;
  void abort(int64_t task);
  // Refuses waiting and later jobs, stops the running one, then runs `last` and ends the thread.
  void close(std::unique_ptr<Job> last);
  // Does the same as the destructor. Idempotent.
  void shutdown();

  // Stops the work of all executors of the process and waits, for a limited time, until their threads have ended. For
  // exit(), whose static destructors would otherwise destroy libtorch's state while threads compute. Any thread,
  // including one of ours.
  static void shutdown_all() noexcept;

  // The number of jobs in the queue, which tells a long job that it should end soon. Any thread.
  const Waiting& waiting() const { return waiting_; }

 private:
  void loop();  // the executor's thread
  void end();
  bool ended_before(std::chrono::steady_clock::time_point time);
  void join();
  void refuse(std::deque<std::unique_ptr<Job>> jobs, const Refusal& reason);

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable over_;
  std::deque<std::unique_ptr<Job>> queue_;
  Waiting waiting_{0};
  Job* running_ = nullptr;
  bool closing_ = false;
  bool ended_ = false;            // no further job is run
  bool alive_ = false;            // the thread was started and has not finished
  std::unique_ptr<Model> model_;  // only used by the executor's thread
  std::mutex joining_;
  std::thread thread_;
};

}  // namespace sentorch
