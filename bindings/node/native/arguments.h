#pragma once

#include "values.h"

namespace wool_node {

// The arguments of a function of the addon. Only this package's TypeScript calls it, with the types of src/native.ts; a
// value of another type reads as null, zero or empty, which libwool then refuses.
template <size_t N>
class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info) : env_(env) {
    size_t count = N;
    napi_get_cb_info(env, info, &count, values_, nullptr, nullptr);
  }

  napi_value operator[](size_t index) const { return values_[index]; }

  template <class T>
  T* External(size_t index) const {
    return ExternalOf<T>(env_, values_[index]);
  }

  int32_t Int32(size_t index) const {
    int32_t value = 0;
    napi_get_value_int32(env_, values_[index], &value);
    return value;
  }

  int64_t Int64(size_t index) const { return NumberOf(env_, values_[index]); }

  // A handle of libwool, such as a task's; 0, which is none, for anything else than a BigInt.
  uint64_t Handle(size_t index) const { return HandleOf(env_, values_[index]); }

  bool Bool(size_t index) const { return BooleanOf(env_, values_[index]); }

  // The first `length` bytes of a Uint8Array. Valid until JavaScript runs again.
  wool_slice_t Bytes(size_t index, int32_t length) const {
    const Memory memory(env_, values_[index]);
    const auto wanted = static_cast<size_t>(length);
    return wanted > memory.length ? wool_slice_t{nullptr, 0}
                                  : wool_slice_t{static_cast<const uint8_t*>(memory.data), wanted};
  }

 private:
  napi_env env_;
  napi_value values_[N] = {};
};

// A JavaScript string as UTF-8. Short ones, such as the names of routines, need no memory of their own.
class Text {
 public:
  Text(napi_env env, napi_value value) {
    size_t length = 0;
    if (napi_get_value_string_utf8(env, value, small_, sizeof(small_), &length) != napi_ok) {
      return;
    }
    // Node cuts what does not fit, at a character of up to 4 bytes.
    if (length + 4 < sizeof(small_)) {
      slice_ = {reinterpret_cast<const uint8_t*>(small_), length};
    } else {
      large_ = TextOf(env, value);
      slice_ = SliceOf(large_);
    }
  }

  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;

  wool_slice_t slice() const { return slice_; }

 private:
  char small_[128];
  std::string large_;
  wool_slice_t slice_{nullptr, 0};
};

}  // namespace wool_node
