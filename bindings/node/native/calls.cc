#include <optional>

#include "arguments.h"
#include "context.h"
#include "errors.h"
#include "functions.h"
#include "peers.h"

namespace wool_node {
namespace {

enum class Face { kCall, kStream };

// What only some calls have, `CallExtras` of src/native.ts; anything else is nothing. The values are valid until
// JavaScript runs again.
struct Extras {
  Extras(napi_env env, napi_value extras)
      : context(env, PropertyOf(env, extras, "context")),
        parent(HandleOf(env, PropertyOf(env, extras, "parent"))),
        bag(ExternalOf<Bag>(env, PropertyOf(env, extras, "bag"))),
        worker(TextOf(env, PropertyOf(env, extras, "worker"))) {}

  void AddTo(wool_call_options_t& options) const {
    options.context = context.data();
    options.context_count = context.size();
    options.parent = parent;
    options.worker_uid = SliceOf(worker);
    options.bag = bag == nullptr ? nullptr : bag->handle;
  }

  Context context;
  wool_task_t parent;
  const Bag* bag;
  std::string worker;
};

// (pool, tag, routine, bytes, length, codec, timeout, dispatchTimeout, label, stepTimeout, prefetch, extras): `tag` names
// the call between this addon and JavaScript, `label` is the caller's own text for it.
napi_value Submit(napi_env env, napi_callback_info info, Face face) {
  const Arguments<12> arguments(env, info);
  auto* pool = arguments.External<Pool>(0);
  if (pool == nullptr || pool->runtime->queue() == nullptr) {
    return ThrowError(env, WOOL_ERR_CLOSED, nullptr);
  }
  const int32_t tag = arguments.Int32(1);
  const Text routine(env, arguments[2]);
  const wool_payload_t payload{arguments.Bytes(3, arguments.Int32(4)), arguments.Int32(5)};
  const Text label(env, arguments[8]);
  const bool has_extras = IsType(env, arguments[11], napi_object);
  const std::optional<Extras> extras = has_extras ? std::make_optional<Extras>(env, arguments[11]) : std::nullopt;
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  options.timeout_ms = static_cast<uint64_t>(arguments.Int64(6));
  options.dispatch_timeout_ms = static_cast<uint64_t>(arguments.Int64(7));
  options.tag = label.slice();
  options.step_timeout_ms = static_cast<uint64_t>(arguments.Int64(9));
  options.prefetch = static_cast<uint32_t>(arguments.Int64(10));
  if (extras.has_value()) {
    extras->AddTo(options);
  }

  uint64_t handle = 0;
  wool_error_t* error = nullptr;
  const auto submit = face == Face::kCall ? wool_call_submit : wool_stream_open;
  const wool_status_t status = submit(pool->handle.get(), routine.slice(), payload, &options, pool->runtime->queue(),
                                      static_cast<uint64_t>(tag), &handle, &error);
  if (status != WOOL_OK) {
    return ThrowError(env, status, error);
  }
  pool->runtime->calls().Set(tag, handle, face == Face::kStream);
  return nullptr;
}

// The answer to what was asked of a stream. One whose handle is stale has ended: its last event is in the queue and
// answers everything that JavaScript waits for.
napi_value Asked(napi_env env, wool_status_t status, wool_error_t* error) {
  if (status == WOOL_OK) {
    return nullptr;
  }
  if (status == WOOL_ERR_INVALID_ARGUMENT) {
    wool_error_free(error);
    return nullptr;
  }
  return ThrowError(env, status, error);
}

}  // namespace

napi_value SubmitCall(napi_env env, napi_callback_info info) { return Submit(env, info, Face::kCall); }

napi_value OpenStream(napi_env env, napi_callback_info info) { return Submit(env, info, Face::kStream); }

// (runtime, tag)
napi_value CancelCall(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  if (Runtime* runtime = RuntimeOf(arguments, 0); runtime != nullptr) {
    runtime->calls().Cancel(arguments.Int32(1));
  }
  return nullptr;
}

// (runtime, tag, count)
napi_value NextItem(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  Runtime* runtime = RuntimeOf(arguments, 0);
  if (runtime == nullptr) {
    return nullptr;
  }
  wool_error_t* error = nullptr;
  const uint64_t handle = runtime->calls().Handle(arguments.Int32(1));
  const wool_status_t status = wool_stream_next(handle, static_cast<uint32_t>(arguments.Int32(2)), &error);
  return Asked(env, status, error);
}

// (runtime, tag, bytes, length, codec)
napi_value SendItem(napi_env env, napi_callback_info info) {
  const Arguments<5> arguments(env, info);
  Runtime* runtime = RuntimeOf(arguments, 0);
  if (runtime == nullptr) {
    return nullptr;
  }
  const wool_payload_t value{arguments.Bytes(2, arguments.Int32(3)), arguments.Int32(4)};
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_stream_send(runtime->calls().Handle(arguments.Int32(1)), value, &error);
  return Asked(env, status, error);
}

// (runtime, tag, FaultDescription)
napi_value ThrowItem(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  Runtime* runtime = RuntimeOf(arguments, 0);
  if (runtime == nullptr) {
    return nullptr;
  }
  const Fault fault(env, arguments[2]);
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_stream_throw(runtime->calls().Handle(arguments.Int32(1)), fault.get(), &error);
  return Asked(env, status, error);
}

// (runtime, tag)
napi_value CloseStream(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  Runtime* runtime = RuntimeOf(arguments, 0);
  if (runtime == nullptr) {
    return nullptr;
  }
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_stream_close(runtime->calls().Handle(arguments.Int32(1)), &error);
  return Asked(env, status, error);
}

}  // namespace wool_node
