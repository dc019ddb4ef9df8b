#pragma once

// JavaScript values on plain Node-API.
//
// Node-API calls that may run JavaScript (reading a property is one) fail at any moment while the environment is being
// terminated. Nothing here checks more than memory safety needs: what could not be read is empty, what could not be
// made is nullptr, which every Node-API function refuses, and the failure ends with the call of the addon.

#include <node_api.h>
#include <wool.h>

#include <cstdint>
#include <string>
#include <vector>

namespace wool_node {

inline wool_slice_t SliceOf(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

inline std::vector<wool_slice_t> SlicesOf(const std::vector<std::string>& texts) {
  std::vector<wool_slice_t> slices;
  slices.reserve(texts.size());
  for (const std::string& text : texts) {
    slices.push_back(SliceOf(text));
  }
  return slices;
}

// --- Making ---

inline napi_value TextValue(napi_env env, wool_slice_t text) {
  napi_value result = nullptr;
  napi_create_string_utf8(env, text.len == 0 ? "" : reinterpret_cast<const char*>(text.ptr), text.len, &result);
  return result;
}

inline napi_value TextValue(napi_env env, const char* text) {
  napi_value result = nullptr;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &result);
  return result;
}

inline napi_value NumberValue(napi_env env, int64_t number) {
  napi_value result = nullptr;
  napi_create_int64(env, number, &result);
  return result;
}

inline napi_value Int32Value(napi_env env, int32_t number) {
  napi_value result = nullptr;
  napi_create_int32(env, number, &result);
  return result;
}

inline napi_value HandleValue(napi_env env, uint64_t handle) {
  napi_value result = nullptr;
  napi_create_bigint_uint64(env, handle, &result);
  return result;
}

inline napi_value BooleanValue(napi_env env, bool value) {
  napi_value result = nullptr;
  napi_get_boolean(env, value, &result);
  return result;
}

// A Buffer with a copy of the bytes: external buffers are slow to collect, and not allowed everywhere.
inline napi_value BufferValue(napi_env env, const void* bytes, size_t length) {
  napi_value result = nullptr;
  napi_create_buffer_copy(env, length, bytes, nullptr, &result);
  return result;
}

inline napi_value ObjectValue(napi_env env) {
  napi_value result = nullptr;
  napi_create_object(env, &result);
  return result;
}

inline void SetProperty(napi_env env, napi_value object, const char* name, napi_value value) {
  napi_set_named_property(env, object, name, value);
}

// An opaque pointer that JavaScript keeps and deletes when it is collected.
template <class T>
napi_value ExternalValue(napi_env env, T* object) {
  napi_value result = nullptr;
  const auto finalize = [](napi_env, void* data, void*) { delete static_cast<T*>(data); };
  if (napi_create_external(env, object, finalize, nullptr, &result) != napi_ok) {
    delete object;
  }
  return result;
}

// --- Reading ---

inline std::string TextOf(napi_env env, napi_value value) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) {
    return {};
  }
  std::string text(length, '\0');
  napi_get_value_string_utf8(env, value, text.data(), length + 1, &length);
  return text;
}

inline int64_t NumberOf(napi_env env, napi_value value) {
  int64_t number = 0;
  napi_get_value_int64(env, value, &number);
  return number;
}

inline uint64_t HandleOf(napi_env env, napi_value value) {
  uint64_t handle = 0;
  bool lossless = false;
  napi_get_value_bigint_uint64(env, value, &handle, &lossless);
  return handle;
}

inline bool BooleanOf(napi_env env, napi_value value) {
  bool result = false;
  napi_get_value_bool(env, value, &result);
  return result;
}

inline std::vector<std::string> TextsOf(napi_env env, napi_value value) {
  std::vector<std::string> texts;
  uint32_t length = 0;
  napi_get_array_length(env, value, &length);
  for (uint32_t index = 0; index < length; index++) {
    napi_value element = nullptr;
    napi_get_element(env, value, index, &element);
    texts.push_back(TextOf(env, element));
  }
  return texts;
}

inline napi_value TextArrayValue(napi_env env, const wool_slice_t* texts, size_t count) {
  napi_value array = nullptr;
  napi_create_array_with_length(env, count, &array);
  for (size_t index = 0; index < count; index++) {
    napi_set_element(env, array, static_cast<uint32_t>(index), TextValue(env, texts[index]));
  }
  return array;
}

inline bool IsType(napi_env env, napi_value value, napi_valuetype wanted) {
  napi_valuetype type = napi_undefined;
  return napi_typeof(env, value, &type) == napi_ok && type == wanted;
}

// A property, or nullptr.
inline napi_value PropertyOf(napi_env env, napi_value object, const char* name) {
  napi_value value = nullptr;
  napi_get_named_property(env, object, name, &value);
  return value;
}

// The object behind an external, or null.
template <class T>
T* ExternalOf(napi_env env, napi_value value) {
  void* data = nullptr;
  return napi_get_value_external(env, value, &data) == napi_ok ? static_cast<T*>(data) : nullptr;
}

// The memory of a typed array; valid until JavaScript runs again, or for as long as a reference keeps the array.
struct Memory {
  Memory(napi_env env, napi_value array) {
    napi_get_typedarray_info(env, array, nullptr, &length, &data, nullptr, nullptr);
  }

  void* data = nullptr;
  // Elements.
  size_t length = 0;
};

}  // namespace wool_node
