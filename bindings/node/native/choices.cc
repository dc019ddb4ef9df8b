#include "arguments.h"
#include "errors.h"
#include "functions.h"
#include "runtime.h"

namespace wool_node {
namespace {

// { uid, address, tags, inFlight, capacity }
napi_value WorkerValue(napi_env env, const wool_choice_worker_t& worker) {
  napi_value tags = nullptr;
  napi_create_array_with_length(env, worker.tag_count, &tags);
  for (size_t index = 0; index < worker.tag_count; index++) {
    napi_set_element(env, tags, static_cast<uint32_t>(index), TextValue(env, worker.tags[index]));
  }
  napi_value result = ObjectValue(env);
  SetProperty(env, result, "uid", TextValue(env, worker.uid));
  SetProperty(env, result, "address", TextValue(env, worker.address));
  SetProperty(env, result, "tags", tags);
  SetProperty(env, result, "inFlight", NumberValue(env, static_cast<int64_t>(worker.in_flight)));
  SetProperty(env, result, "capacity", NumberValue(env, static_cast<int64_t>(worker.capacity)));
  return result;
}

// A later libwool may tell more of each worker: its size is in the answer.
const wool_choice_worker_t& WorkerAt(const wool_choice_info_t& info, size_t index) {
  const auto* first = reinterpret_cast<const char*>(info.workers);
  return *reinterpret_cast<const wool_choice_worker_t*>(first + index * info.worker_size);
}

}  // namespace

// (runtime, index) => { handle, routine, tag, workers }
napi_value TakeChoice(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  Runtime* runtime = RuntimeOf(arguments, 0);
  const wool_event_t* event = runtime == nullptr ? nullptr : runtime->Event(arguments.Int32(1));
  if (event == nullptr) {
    return ThrowError(env, WOOL_ERR_CLOSED, nullptr);
  }
  wool_choice_info_t asked = WOOL_CHOICE_INFO_INIT;
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_choice_info(event->handle, &asked, &error);
  if (status != WOOL_OK) {
    return ThrowError(env, status, error);
  }
  napi_value workers = nullptr;
  napi_create_array_with_length(env, asked.worker_count, &workers);
  for (size_t index = 0; index < asked.worker_count; index++) {
    // Keeps few of them at a time: there may be a thousand workers.
    napi_handle_scope scope = nullptr;
    napi_open_handle_scope(env, &scope);
    napi_set_element(env, workers, static_cast<uint32_t>(index), WorkerValue(env, WorkerAt(asked, index)));
    napi_close_handle_scope(env, scope);
  }
  napi_value result = ObjectValue(env);
  SetProperty(env, result, "handle", HandleValue(env, event->handle));
  SetProperty(env, result, "routine", TextValue(env, asked.routine));
  SetProperty(env, result, "tag", TextValue(env, asked.tag));
  SetProperty(env, result, "workers", workers);
  return result;
}

// (handle, index)
napi_value AnswerChoice(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_choice_answer(arguments.Handle(0), arguments.Int64(1), &error);
  return status == WOOL_OK ? nullptr : ThrowError(env, status, error);
}

}  // namespace wool_node
