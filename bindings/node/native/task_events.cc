#include "arguments.h"
#include "errors.h"
#include "functions.h"
#include "runtime.h"

namespace wool_node {
namespace {

// What an external of task events holds.
struct TaskEvents {
  explicit TaskEvents(wool_task_events_t* events) : handle(events) {}
  ~TaskEvents() { wool_task_events_free(handle); }
  TaskEvents(const TaskEvents&) = delete;
  TaskEvents& operator=(const TaskEvents&) = delete;

  // Null once they are not listened to any more.
  wool_task_events_t* handle;
};

}  // namespace

// (runtime, tag, capacity) => external of TaskEvents
napi_value ListenToTasks(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  const Runtime* runtime = RuntimeOf(arguments, 0);
  if (runtime == nullptr || runtime->queue() == nullptr) {
    return ThrowError(env, WOOL_ERR_CLOSED, nullptr);
  }
  wool_task_events_options_t options = WOOL_TASK_EVENTS_OPTIONS_INIT;
  options.queue = runtime->queue();
  options.tag = static_cast<uint64_t>(arguments.Int64(1));
  options.capacity = static_cast<uint32_t>(arguments.Int64(2));
  wool_task_events_t* events = nullptr;
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_task_events_new(runtime->handle().get(), &options, &events, &error);
  return status == WOOL_OK ? ExternalValue(env, new TaskEvents(events)) : ThrowError(env, status, error);
}

// (events) => number
napi_value MissedTaskEvents(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const auto* events = arguments.External<TaskEvents>(0);
  const uint64_t missed = wool_task_events_missed(events == nullptr ? nullptr : events->handle);
  return NumberValue(env, static_cast<int64_t>(missed));
}

// (events)
napi_value StopListening(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  if (auto* events = arguments.External<TaskEvents>(0); events != nullptr) {
    wool_task_events_free(events->handle);
    events->handle = nullptr;
  }
  return nullptr;
}

}  // namespace wool_node
