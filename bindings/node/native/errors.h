#pragma once

#include <node_api.h>
#include <wool.h>

#include <string>
#include <vector>

namespace wool_node {

// What an environment keeps for as long as it lives.
struct Instance {
  // JavaScript's (description) => Error.
  napi_ref make_error = nullptr;
};

// The plain object (`ErrorDescription` in src/native.ts) that tells JavaScript about an error. `error` is borrowed and
// may be null; then `status` says it all.
napi_value DescribeError(napi_env env, wool_status_t status, const wool_error_t* error);

// Throws the JavaScript error for a failed call of libwool, and frees `error`. Returns nullptr, to be returned on.
napi_value ThrowError(napi_env env, wool_status_t status, wool_error_t* error);

// What an external of an error holds.
struct KeptError {
  explicit KeptError(wool_error_t* kept) : error(kept) {}
  ~KeptError() { wool_error_free(error); }
  KeptError(const KeptError&) = delete;
  KeptError& operator=(const KeptError&) = delete;

  wool_error_t* error;
};

// A `FaultDescription` of src/native.ts as libwool takes it. Owns everything it points to.
class Fault {
 public:
  Fault(napi_env env, napi_value description);
  ~Fault();
  Fault(const Fault&) = delete;
  Fault& operator=(const Fault&) = delete;

  const wool_fault_t* get() const { return &fault_; }

 private:
  std::string type_;
  std::string message_;
  std::vector<std::string> lines_;
  std::vector<wool_slice_t> traceback_;
  std::vector<uint8_t> data_;
  wool_payload_t value_{};
  wool_error_t* cause_ = nullptr;
  wool_fault_t fault_ = WOOL_FAULT_INIT;
};

}  // namespace wool_node
