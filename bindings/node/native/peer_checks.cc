#include "arguments.h"
#include "errors.h"
#include "functions.h"
#include "runtime.h"

namespace wool_node {

// (runtime, index) => { handle, identity, uid }
napi_value TakePeerCheck(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  Runtime* runtime = RuntimeOf(arguments, 0);
  const wool_event_t* event = runtime == nullptr ? nullptr : runtime->Event(arguments.Int32(1));
  if (event == nullptr) {
    return ThrowError(env, WOOL_ERR_CLOSED, nullptr);
  }
  wool_peer_info_t asked = WOOL_PEER_INFO_INIT;
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_peer_check_info(event->handle, &asked, &error);
  if (status != WOOL_OK) {
    return ThrowError(env, status, error);
  }
  napi_value result = ObjectValue(env);
  SetProperty(env, result, "handle", HandleValue(env, event->handle));
  SetProperty(env, result, "identity", TextValue(env, asked.identity));
  SetProperty(env, result, "uid", TextValue(env, asked.uid));
  return result;
}

// (handle, believe)
napi_value AnswerPeerCheck(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_peer_check_answer(arguments.Handle(0), arguments.Bool(1) ? 1 : 0, &error);
  return status == WOOL_OK ? nullptr : ThrowError(env, status, error);
}

// (handle, message)
napi_value FailPeerCheck(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  const Text message(env, arguments[1]);
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_peer_check_fail(arguments.Handle(0), message.slice(), &error);
  return status == WOOL_OK ? nullptr : ThrowError(env, status, error);
}

}  // namespace wool_node
