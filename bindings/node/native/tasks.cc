#include "arguments.h"
#include "context.h"
#include "errors.h"
#include "functions.h"
#include "peers.h"

namespace wool_node {
namespace {

// The runtime and the handle of the task that the first two arguments name.
struct Task {
  template <class Arguments>
  explicit Task(const Arguments& arguments) : runtime(RuntimeOf(arguments, 0)), id(arguments.Int32(1)) {
    handle = runtime == nullptr ? 0 : runtime->tasks().Handle(id);
  }

  Runtime* runtime;
  int32_t id;
  wool_task_t handle;
};

// Throws for a failure; after a success the task's number is free again.
napi_value Answered(napi_env env, const Task& task, wool_status_t status, wool_error_t* error) {
  if (status != WOOL_OK) {
    return ThrowError(env, status, error);
  }
  task.runtime->tasks().Remove(task.id);
  return nullptr;
}

}  // namespace

// (runtime, name, kind, tag, doc, parameters)
napi_value RegisterRoutine(napi_env env, napi_callback_info info) {
  const Arguments<6> arguments(env, info);
  Runtime* runtime = RuntimeOf(arguments, 0);
  if (runtime == nullptr || runtime->queue() == nullptr) {
    return ThrowError(env, WOOL_ERR_CLOSED, nullptr);
  }
  const Text name(env, arguments[1]);
  const Text doc(env, arguments[4]);
  const std::vector<std::string> parameters = TextsOf(env, arguments[5]);
  const std::vector<wool_slice_t> slices = SlicesOf(parameters);
  wool_routine_options_t options = WOOL_ROUTINE_OPTIONS_INIT;
  options.name = name.slice();
  options.kind = arguments.Int32(2);
  options.doc = doc.slice();
  options.parameters = slices.data();
  options.parameter_count = slices.size();
  options.queue = runtime->queue();
  options.tag = static_cast<uint64_t>(arguments.Int64(3));
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_routine_register(runtime->handle().get(), &options, &error);
  return status == WOOL_OK ? nullptr : ThrowError(env, status, error);
}

// (runtime, task, bytes, length, codec)
napi_value ReturnTask(napi_env env, napi_callback_info info) {
  const Arguments<5> arguments(env, info);
  const Task task(arguments);
  const wool_payload_t value{arguments.Bytes(2, arguments.Int32(3)), arguments.Int32(4)};
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_task_return(task.handle, value, &error);
  return Answered(env, task, status, error);
}

// (runtime, task, bytes, length, codec)
napi_value YieldTask(napi_env env, napi_callback_info info) {
  const Arguments<5> arguments(env, info);
  const Task task(arguments);
  const wool_payload_t value{arguments.Bytes(2, arguments.Int32(3)), arguments.Int32(4)};
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_task_yield(task.handle, value, &error);
  return status == WOOL_OK ? nullptr : ThrowError(env, status, error);
}

// (runtime, task)
napi_value EndTask(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  const Task task(arguments);
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_task_end(task.handle, &error);
  return Answered(env, task, status, error);
}

// (runtime, task, FaultDescription)
napi_value FailTask(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  const Task task(arguments);
  const Fault fault(env, arguments[2]);
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_task_fail(task.handle, fault.get(), &error);
  return Answered(env, task, status, error);
}

// (runtime, task, external of KeptError)
napi_value FailTaskWith(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  const Task task(arguments);
  const auto* kept = arguments.External<KeptError>(2);
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_task_fail_with(task.handle, kept == nullptr ? nullptr : kept->error, &error);
  return Answered(env, task, status, error);
}

// (runtime, task)
napi_value DropTask(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  const Task task(arguments);
  if (task.handle != 0) {
    task.runtime->tasks().Remove(task.id);
  }
  return nullptr;
}

// (runtime, task) => BigInt
napi_value TaskHandle(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  return HandleValue(env, Task(arguments).handle);
}

// (handle) => { id, caller, workerUid, tag, remaining }
napi_value TaskInfo(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  wool_task_info_t task_info = WOOL_TASK_INFO_INIT;
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_task_info(arguments.Handle(0), &task_info, &error);
  if (status != WOOL_OK) {
    return ThrowError(env, status, error);
  }
  napi_value result = ObjectValue(env);
  SetProperty(env, result, "id", BufferValue(env, task_info.id, sizeof(task_info.id)));
  SetProperty(env, result, "caller", BufferValue(env, task_info.caller, sizeof(task_info.caller)));
  SetProperty(env, result, "workerUid", BufferValue(env, task_info.worker_uid, sizeof(task_info.worker_uid)));
  SetProperty(env, result, "tag", TextValue(env, task_info.tag));
  SetProperty(env, result, "remaining", NumberValue(env, task_info.remaining_ms));
  SetProperty(env, result, "peer", TextArrayValue(env, task_info.peer, task_info.peer_count));
  return result;
}

// (handle) => external of Bag
napi_value TaskContext(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  wool_context_t* context = nullptr;
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_task_context(arguments.Handle(0), &context, &error);
  return status == WOOL_OK ? ExternalValue(env, new Bag(context)) : ThrowError(env, status, error);
}

// (runtime, handle) => external of Pool
napi_value TaskPool(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  std::shared_ptr<Runtime> runtime = SharedRuntimeOf(arguments, 0);
  if (runtime == nullptr || runtime->queue() == nullptr) {
    return ThrowError(env, WOOL_ERR_CLOSED, nullptr);
  }
  wool_pool_t* pool = nullptr;
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_task_pool(arguments.Handle(1), &pool, &error);
  return status == WOOL_OK ? ExternalValue(env, new Pool(std::move(runtime), pool)) : ThrowError(env, status, error);
}

}  // namespace wool_node
