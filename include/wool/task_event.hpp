// What happens to tasks: part of wool.hpp.
#ifndef WOOL_TASK_EVENT_HPP
#define WOOL_TASK_EVENT_HPP

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "runtime.hpp"

namespace wool {

// Something that happened to a task.
struct TaskEvent {
  // WOOL_TASK_CREATED, ...; a later library may know others.
  std::int32_t kind = 0;
  // WOOL_SIDE_CALLER or WOOL_SIDE_WORKER.
  std::int32_t side = 0;
  // By this machine's clock.
  std::chrono::system_clock::time_point time;
  // The task's UUID.
  std::array<std::uint8_t, 16> id{};
  // The UUID of the task that called it; nothing if none did.
  std::optional<std::array<std::uint8_t, 16>> caller;
  // The worker's uid; empty while the caller has given it to none.
  std::string worker;
  // What it runs.
  std::string routine;
  // Of an iteration, its wool_step_t; else 0.
  std::int32_t step = 0;
  // Of WOOL_TASK_COMPLETED, how: WOOL_OK or the status of the error; else 0.
  std::int32_t status = 0;

  // Its kind in words, e.g. "task-created"; "unknown" for one that is newer than this header.
  std::string_view kind_name() const noexcept {
    switch (kind) {
      case WOOL_TASK_CREATED: return "task-created";
      case WOOL_TASK_SCHEDULED: return "task-scheduled";
      case WOOL_TASK_STARTED: return "task-started";
      case WOOL_TASK_STOPPED: return "task-stopped";
      case WOOL_TASK_COMPLETED: return "task-completed";
      case WOOL_TASK_ITERATION_INITIATED: return "task-iteration-initiated";
      case WOOL_TASK_ITERATION_STARTED: return "task-iteration-started";
      case WOOL_TASK_ITERATION_COMPLETED: return "task-iteration-completed";
      default: return "unknown";
    }
  }
  // "next", "send" or "throw"; empty for what is no iteration.
  std::string_view step_name() const noexcept {
    switch (step) {
      case WOOL_STEP_NEXT: return "next";
      case WOOL_STEP_SEND: return "send";
      case WOOL_STEP_THROW: return "throw";
      default: return {};
    }
  }
};

// Called with each event, on a thread of its own. It may block, and then events are missed. What it throws is dropped.
using TaskEventHandler = std::function<void(const TaskEvent&)>;

namespace detail {

inline TaskEvent task_event(const wool_task_event_t& told) {
  TaskEvent event;
  event.kind = told.kind;
  event.side = told.side;
  event.time = std::chrono::system_clock::time_point(std::chrono::microseconds(told.timestamp_us));
  event.id = uuid(told.id);
  event.caller = uuid_if_any(told.caller);
  if (uuid_if_any(told.worker_uid)) event.worker = dashed(told.worker_uid);
  event.routine = string(told.routine);
  event.step = told.step;
  event.status = told.status;
  return event;
}

inline void hear_task_event(void* user_data, const wool_task_event_t* event) noexcept {
  try {
    (*static_cast<const TaskEventHandler*>(user_data))(task_event(*event));
  } catch (...) {
    // There is nowhere to tell it.
  }
}

inline void destroy_task_event_handler(void* user_data) noexcept { delete static_cast<TaskEventHandler*>(user_data); }

}  // namespace detail

// Listens to the task events of a runtime until it is destroyed, which never waits: no call of the handler starts then, but
// one may be under way.
class TaskEvents {
 public:
  // How many events were missed, as the handler was too slow.
  std::uint64_t missed() const noexcept { return wool_task_events_missed(events_.get()); }

  // For what only wool.h offers. It stays this object's.
  wool_task_events_t* get() const noexcept { return events_.get(); }

 private:
  friend TaskEvents on_task_event(const Runtime& runtime, TaskEventHandler handler, std::uint32_t capacity);

  explicit TaskEvents(wool_task_events_t* events) noexcept : events_(events) {}

  detail::Handle<wool_task_events_t, wool_task_events_free> events_;
};

// Tells `handler` what happens to the tasks that this runtime's pools call and its workers run, as long as what is returned
// lives. Up to `capacity` events wait for the handler; further ones are missed. 0 = 4,096.
//
// Throws WOOL_ERR_INVALID_ARGUMENT for an empty handler, WOOL_ERR_IO when the system gives no thread, WOOL_ERR_CLOSED.
[[nodiscard]] inline TaskEvents on_task_event(const Runtime& runtime, TaskEventHandler handler, std::uint32_t capacity = 0) {
  wool_task_events_options_t given = WOOL_TASK_EVENTS_OPTIONS_INIT;
  // None is for wool to refuse.
  given.handler = handler ? detail::hear_task_event : nullptr;
  // wool's from here on, also when this fails.
  given.user_data = new TaskEventHandler(std::move(handler));
  given.destroy = detail::destroy_task_event_handler;
  given.capacity = capacity;
  wool_task_events_t* events = nullptr;
  detail::checked([&](wool_error_t** error) { return wool_task_events_new(runtime.get(), &given, &events, error); });
  return TaskEvents(events);
}

}  // namespace wool

#endif
