#pragma once

#include "values.h"

namespace wool_node {

// What an external of a context holds. Calls and tasks that have the context keep it.
struct Bag {
  explicit Bag(wool_context_t* context) : handle(context) {}
  ~Bag() { wool_context_free(handle); }
  Bag(const Bag&) = delete;
  Bag& operator=(const Bag&) = delete;

  wool_context_t* handle;
};

// The context that JavaScript gives with a call, `ContextValue[]` of src/native.ts; anything else is none. The values
// are valid until JavaScript runs again.
class Context {
 public:
  Context(napi_env env, napi_value array) {
    uint32_t count = 0;
    napi_get_array_length(env, array, &count);
    names_.reserve(size_t{2} * count);
    for (uint32_t index = 0; index < count; index++) {
      napi_value element = nullptr;
      napi_get_element(env, array, index, &element);
      const wool_slice_t scope = Name(env, element, "namespace");
      const wool_slice_t name = Name(env, element, "name");
      const Memory value(env, PropertyOf(env, element, "value"));
      values_.push_back({scope, name, {{static_cast<const uint8_t*>(value.data), value.length}, WOOL_CODEC_MSGPACK}});
    }
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  const wool_context_value_t* data() const { return values_.data(); }
  size_t size() const { return values_.size(); }

 private:
  wool_slice_t Name(napi_env env, napi_value value, const char* property) {
    return SliceOf(names_.emplace_back(TextOf(env, PropertyOf(env, value, property))));
  }

  // Never grows beyond what was reserved: the slices point into it.
  std::vector<std::string> names_;
  std::vector<wool_context_value_t> values_;
};

// The same to JavaScript; nullptr if there is none.
inline napi_value ContextArray(napi_env env, const wool_context_value_t* values, size_t count) {
  if (count == 0) {
    return nullptr;
  }
  napi_value array = nullptr;
  napi_create_array_with_length(env, count, &array);
  for (size_t index = 0; index < count; index++) {
    const wool_context_value_t& value = values[index];
    napi_value element = ObjectValue(env);
    SetProperty(env, element, "namespace", TextValue(env, value.namespace_));
    SetProperty(env, element, "name", TextValue(env, value.name));
    SetProperty(env, element, "value", BufferValue(env, value.value.data.ptr, value.value.data.len));
    napi_set_element(env, array, static_cast<uint32_t>(index), element);
  }
  return array;
}

}  // namespace wool_node
