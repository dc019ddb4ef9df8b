#include "arguments.h"
#include "errors.h"
#include "functions.h"
#include "runtime.h"

namespace wool_node {

// (runtime) => number of events
napi_value Drain(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Runtime* runtime = RuntimeOf(arguments, 0);
  if (runtime == nullptr) {
    return Int32Value(env, -1);
  }
  wool_error_t* error = nullptr;
  wool_status_t status = WOOL_OK;
  const int32_t count = runtime->Drain(&error, &status);
  if (status < 0 && status != WOOL_ERR_CLOSED) {
    return ThrowError(env, status, error);
  }
  wool_error_free(error);
  return Int32Value(env, count);
}

// (runtime, index) => Buffer
napi_value TakePayload(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  Runtime* runtime = RuntimeOf(arguments, 0);
  wool_event_t* event = runtime == nullptr ? nullptr : runtime->Event(arguments.Int32(1));
  if (event == nullptr) {
    return nullptr;
  }
  napi_value buffer = BufferValue(env, event->payload.ptr, event->payload.len);
  wool_bytes_free(&event->payload);
  return buffer;
}

// (runtime, index) => ErrorDescription
napi_value TakeError(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  Runtime* runtime = RuntimeOf(arguments, 0);
  wool_event_t* event = runtime == nullptr ? nullptr : runtime->Event(arguments.Int32(1));
  if (event == nullptr) {
    return nullptr;
  }
  napi_value description = DescribeError(env, static_cast<wool_status_t>(event->status), event->error);
  wool_error_free(event->error);
  event->error = nullptr;
  return description;
}

// (runtime, index) => { description, handle }
napi_value TakeThrown(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  Runtime* runtime = RuntimeOf(arguments, 0);
  wool_event_t* event = runtime == nullptr ? nullptr : runtime->Event(arguments.Int32(1));
  if (event == nullptr) {
    return nullptr;
  }
  napi_value result = ObjectValue(env);
  SetProperty(env, result, "description", DescribeError(env, static_cast<wool_status_t>(event->status), event->error));
  SetProperty(env, result, "handle", ExternalValue(env, new KeptError(event->error)));
  event->error = nullptr;
  return result;
}

// (runtime, index) => BigInt
napi_value EventHandle(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  Runtime* runtime = RuntimeOf(arguments, 0);
  const wool_event_t* event = runtime == nullptr ? nullptr : runtime->Event(arguments.Int32(1));
  return HandleValue(env, event == nullptr ? 0 : event->handle);
}

// (runtime, alive)
napi_value KeepAlive(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  if (Runtime* runtime = RuntimeOf(arguments, 0); runtime != nullptr) {
    runtime->KeepAlive(arguments.Bool(1));
  }
  return nullptr;
}

}  // namespace wool_node
