#pragma once

#include <node_api.h>
#include <wool.h>

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace wool_node {

// Events that one crossing carries.
inline constexpr size_t kBatch = 64;

// What JavaScript is told of each event, as 32-bit integers; the order is that of `EventField` in src/native.ts.
inline constexpr size_t kEventFields = 8;

// The tasks that this environment is running, by small numbers: JavaScript has no cheap 64-bit integers.
class TaskTable {
 public:
  int32_t Add(wool_task_t handle);
  // The task's number, or -1 if it has been answered.
  int32_t Find(wool_task_t handle) const;
  // The task's handle, or 0, which is never valid.
  wool_task_t Handle(int32_t id) const;
  void Remove(int32_t id);

 private:
  std::vector<wool_task_t> handles_;
  std::vector<int32_t> free_;
  std::unordered_map<wool_task_t, int32_t> ids_;
};

// Calls and streams by tag. Tags are small numbers that JavaScript gives and, after the terminal event, gives again.
class CallTable {
 public:
  void Set(int32_t tag, uint64_t handle, bool stream);
  // Harmless for calls that have ended: their handles are stale.
  void Cancel(int32_t tag) const;
  uint64_t Handle(int32_t tag) const;

 private:
  struct Entry {
    uint64_t handle;
    bool stream;
  };
  std::vector<Entry> entries_;
};

// Carries log records from libwool's threads to JavaScript, until it is closed. Owned by the runtime on this side and
// by libwool, whichever lives longer.
class LogSink {
 public:
  // The callbacks of wool_runtime_options_t; `sink` is a new std::shared_ptr<LogSink>.
  static void Write(void* sink, int32_t level, wool_slice_t target, wool_slice_t message);
  static void Destroy(void* sink);

  explicit LogSink(napi_threadsafe_function function) : function_(function) {}

  // On the JavaScript thread. No record is delivered after it returned.
  void Close();

 private:
  std::mutex mutex_;
  // Null once closed. Guarded by `mutex_`.
  napi_threadsafe_function function_;
};

// One libwool runtime of one environment, with its completion queue and the doorbell that calls JavaScript.
//
// Everything is on the environment's JavaScript thread, but for the doorbell and the log. Jobs (see job.h) on other
// threads hold what they need of it.
class Runtime : public std::enable_shared_from_this<Runtime> {
 public:
  explicit Runtime(napi_env env) : env_(env) {}
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // Once, before anything else. False: an exception is pending, and the runtime is disposed of.
  bool Open(int32_t log_level, napi_value slab, napi_value fields, napi_value on_doorbell, napi_value on_log);

  // Null once disposed.
  const std::shared_ptr<wool_runtime_t>& handle() const { return runtime_; }
  // Null once disposed.
  wool_queue_t* queue() const { return queue_.get(); }
  const std::shared_ptr<wool_queue_t>& shared_queue() const { return queue_; }
  CallTable& calls() { return calls_; }
  TaskTable& tasks() { return tasks_; }

  // Fills the event fields with the next batch and drops what was not taken of the last one.
  // Returns the number of events, or -1 when the queue is closed and empty.
  int32_t Drain(wool_error_t** error, wool_status_t* status);
  // An event of the last batch, or null. JavaScript may take its payload and its error once.
  wool_event_t* Event(int32_t index);

  // Whether the doorbell keeps the environment's event loop running.
  void KeepAlive(bool alive);

  // Ends everything on this side: no doorbell and no log record comes after it returned. Idempotent.
  void Dispose();

 private:
  // The clean-up hook: the environment ends, perhaps in the middle of anything.
  static void OnEnvironmentEnd(void* self);
  static void Ring(void* self);

  bool Start(int32_t log_level);
  void ReleaseBatch();

  napi_env env_;
  // Freed when the last job that uses it is done, too.
  std::shared_ptr<wool_runtime_t> runtime_;
  // The same.
  std::shared_ptr<wool_queue_t> queue_;
  napi_threadsafe_function doorbell_ = nullptr;
  std::shared_ptr<LogSink> log_;
  // While the clean-up hook is registered, it owns the runtime.
  std::shared_ptr<Runtime> self_;

  // Memory of JavaScript, kept by the references.
  napi_ref slab_reference_ = nullptr;
  napi_ref fields_reference_ = nullptr;
  uint8_t* slab_ = nullptr;
  size_t slab_length_ = 0;
  int32_t* fields_ = nullptr;

  std::array<wool_event_t, kBatch> batch_{};
  size_t batch_length_ = 0;
  CallTable calls_;
  TaskTable tasks_;
};

// The runtime behind an external that JavaScript passed, or null.
template <class Arguments>
std::shared_ptr<Runtime> SharedRuntimeOf(const Arguments& arguments, size_t index) {
  const auto* holder = arguments.template External<std::shared_ptr<Runtime>>(index);
  return holder == nullptr ? nullptr : *holder;
}

// The same, for the time of a call.
template <class Arguments>
Runtime* RuntimeOf(const Arguments& arguments, size_t index) {
  const auto* holder = arguments.template External<std::shared_ptr<Runtime>>(index);
  return holder == nullptr ? nullptr : holder->get();
}

}  // namespace wool_node
