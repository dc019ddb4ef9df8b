#include "errors.h"

#include "values.h"

namespace wool_node {
namespace {

// Causes of causes that are told to JavaScript: the chain comes from another process.
constexpr int kMostCauses = 16;

napi_value Describe(napi_env env, wool_status_t status, const wool_error_t* error, int causes) {
  napi_value description = ObjectValue(env);
  SetProperty(env, description, "status", Int32Value(env, status));
  if (error == nullptr) {
    SetProperty(env, description, "message", TextValue(env, wool_status_name(status)));
    return description;
  }
  SetProperty(env, description, "message", TextValue(env, wool_error_message(error)));
  SetProperty(env, description, "type", TextValue(env, wool_error_type(error)));
  SetProperty(env, description, "language", TextValue(env, wool_error_language(error)));
  SetProperty(env, description, "retryable", BooleanValue(env, wool_error_retryable(error) != 0));

  const size_t lines = wool_error_traceback_len(error);
  napi_value traceback = nullptr;
  napi_create_array_with_length(env, lines, &traceback);
  for (size_t index = 0; index < lines; index++) {
    napi_set_element(env, traceback, static_cast<uint32_t>(index),
                     TextValue(env, wool_error_traceback_line(error, index)));
  }
  SetProperty(env, description, "traceback", traceback);

  wool_payload_t value;
  if (wool_error_value(error, &value) == WOOL_OK) {
    SetProperty(env, description, "value", BufferValue(env, value.data.ptr, value.data.len));
    SetProperty(env, description, "codec", Int32Value(env, value.codec));
  }
  const wool_error_t* cause = wool_error_cause(error);
  if (cause != nullptr && causes < kMostCauses) {
    SetProperty(env, description, "cause", Describe(env, wool_error_status(cause), cause, causes + 1));
  }
  return description;
}

}  // namespace

napi_value DescribeError(napi_env env, wool_status_t status, const wool_error_t* error) {
  return Describe(env, status, error, 0);
}

napi_value ThrowError(napi_env env, wool_status_t status, wool_error_t* error) {
  napi_value description = DescribeError(env, status, error);
  wool_error_free(error);
  void* instance = nullptr;
  napi_value make_error = nullptr;
  napi_value undefined = nullptr;
  napi_value made = nullptr;
  // Fails when the environment is being terminated: then nothing can be thrown, and nobody would catch it.
  if (napi_get_instance_data(env, &instance) == napi_ok && instance != nullptr &&
      napi_get_reference_value(env, static_cast<Instance*>(instance)->make_error, &make_error) == napi_ok &&
      napi_get_undefined(env, &undefined) == napi_ok &&
      napi_call_function(env, undefined, make_error, 1, &description, &made) == napi_ok) {
    napi_throw(env, made);
  }
  return nullptr;
}

Fault::Fault(napi_env env, napi_value description)
    : type_(TextOf(env, PropertyOf(env, description, "type"))),
      message_(TextOf(env, PropertyOf(env, description, "message"))),
      lines_(TextsOf(env, PropertyOf(env, description, "traceback"))),
      traceback_(SlicesOf(lines_)) {
  fault_.status = static_cast<int32_t>(NumberOf(env, PropertyOf(env, description, "status")));
  fault_.type = SliceOf(type_);
  fault_.message = SliceOf(message_);
  fault_.traceback = traceback_.data();
  fault_.traceback_len = traceback_.size();

  const Memory value(env, PropertyOf(env, description, "value"));
  if (value.data != nullptr) {
    const auto* bytes = static_cast<const uint8_t*>(value.data);
    data_.assign(bytes, bytes + value.length);
    value_ = {{data_.data(), data_.size()}, WOOL_CODEC_MSGPACK};
    fault_.value = &value_;
  }

  napi_value cause = PropertyOf(env, description, "cause");
  if (IsType(env, cause, napi_object)) {
    const Fault inner(env, cause);
    if (wool_error_new(inner.get(), &cause_, nullptr) == WOOL_OK) {
      fault_.cause = cause_;
    }
  }
}

Fault::~Fault() { wool_error_free(cause_); }

}  // namespace wool_node
