#include "arguments.h"
#include "context.h"
#include "errors.h"
#include "functions.h"
#include "runtime.h"

namespace wool_node {
namespace {

// `Verdict` of src/native.ts.
enum class Verdict { kAccept = 1, kBusy = 2, kRefuse = 3, kFail = 4 };

wool_status_t Answer(wool_admission_t admission, Verdict verdict, wool_slice_t message, wool_error_t** error) {
  switch (verdict) {
    case Verdict::kAccept:
      return wool_admission_accept(admission, error);
    case Verdict::kBusy:
      return wool_admission_busy(admission, message, error);
    case Verdict::kRefuse:
      return wool_admission_refuse(admission, message, error);
    default:
      return wool_admission_fail(admission, message, error);
  }
}

}  // namespace

// (runtime, index) => { handle, routine, tag, inFlight, peer, context }
napi_value TakeAdmission(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  Runtime* runtime = RuntimeOf(arguments, 0);
  const wool_event_t* event = runtime == nullptr ? nullptr : runtime->Event(arguments.Int32(1));
  if (event == nullptr) {
    return ThrowError(env, WOOL_ERR_CLOSED, nullptr);
  }
  wool_admission_info_t asked = WOOL_ADMISSION_INFO_INIT;
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_admission_info(event->handle, &asked, &error);
  if (status != WOOL_OK) {
    return ThrowError(env, status, error);
  }
  napi_value result = ObjectValue(env);
  SetProperty(env, result, "handle", HandleValue(env, event->handle));
  SetProperty(env, result, "routine", TextValue(env, asked.routine));
  SetProperty(env, result, "tag", TextValue(env, asked.tag));
  SetProperty(env, result, "inFlight", NumberValue(env, static_cast<int64_t>(asked.in_flight)));
  SetProperty(env, result, "peer", TextArrayValue(env, asked.peer, asked.peer_count));
  if (napi_value context = ContextArray(env, asked.context, asked.context_count); context != nullptr) {
    SetProperty(env, result, "context", context);
  }
  return result;
}

// (handle, verdict, message)
napi_value AnswerAdmission(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  const Text message(env, arguments[2]);
  wool_error_t* error = nullptr;
  const wool_status_t status =
      Answer(arguments.Handle(0), static_cast<Verdict>(arguments.Int32(1)), message.slice(), &error);
  return status == WOOL_OK ? nullptr : ThrowError(env, status, error);
}

}  // namespace wool_node
