#include "arguments.h"
#include "context.h"
#include "errors.h"
#include "functions.h"

namespace wool_node {
namespace {

// The context that the first argument names, or null.
template <class Arguments>
wool_context_t* ContextOf(const Arguments& arguments) {
  const auto* bag = arguments.template External<Bag>(0);
  return bag == nullptr ? nullptr : bag->handle;
}

}  // namespace

// () => external of Bag
napi_value CreateContext(napi_env env, napi_callback_info) {
  wool_context_t* context = nullptr;
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_context_new(&context, &error);
  return status == WOOL_OK ? ExternalValue(env, new Bag(context)) : ThrowError(env, status, error);
}

// (context, namespace, name) => Buffer | undefined
napi_value ContextGet(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  const Text name_space(env, arguments[1]);
  const Text name(env, arguments[2]);
  wool_bytes_t bytes{};
  wool_error_t* error = nullptr;
  const wool_status_t status =
      wool_context_get(ContextOf(arguments), name_space.slice(), name.slice(), &bytes, &error);
  if (status == WOOL_END) {
    return nullptr;
  }
  if (status != WOOL_OK) {
    return ThrowError(env, status, error);
  }
  napi_value buffer = BufferValue(env, bytes.ptr, bytes.len);
  wool_bytes_free(&bytes);
  return buffer;
}

// (context, namespace, name, bytes, length)
napi_value ContextSet(napi_env env, napi_callback_info info) {
  const Arguments<5> arguments(env, info);
  const Text name_space(env, arguments[1]);
  const Text name(env, arguments[2]);
  const wool_payload_t value{arguments.Bytes(3, arguments.Int32(4)), WOOL_CODEC_MSGPACK};
  wool_error_t* error = nullptr;
  const wool_status_t status =
      wool_context_set(ContextOf(arguments), name_space.slice(), name.slice(), value, &error);
  return status == WOOL_OK ? nullptr : ThrowError(env, status, error);
}

// (context, namespace, name)
napi_value ContextUnset(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  const Text name_space(env, arguments[1]);
  const Text name(env, arguments[2]);
  wool_error_t* error = nullptr;
  const wool_status_t status =
      wool_context_unset(ContextOf(arguments), name_space.slice(), name.slice(), &error);
  return status == WOOL_OK ? nullptr : ThrowError(env, status, error);
}

}  // namespace wool_node
