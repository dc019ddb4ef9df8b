#include <string>

#include "arguments.h"
#include "errors.h"
#include "functions.h"
#include "peers.h"

namespace wool_node {
namespace {

// A `NativeCredentialsOptions` of src/native.ts as libwool takes it. Valid until JavaScript runs again.
class CredentialsOptions {
 public:
  CredentialsOptions(napi_env env, napi_value object) {
    const auto bytes = [&](const char* name) {
      const Memory memory(env, PropertyOf(env, object, name));
      return wool_slice_t{static_cast<const uint8_t*>(memory.data), memory.length};
    };
    options_.ca = bytes("ca");
    options_.certificate = bytes("certificate");
    options_.key = bytes("key");
    options_.crl = bytes("crl");
    ca_file_ = TextOf(env, PropertyOf(env, object, "caFile"));
    certificate_file_ = TextOf(env, PropertyOf(env, object, "certificateFile"));
    key_file_ = TextOf(env, PropertyOf(env, object, "keyFile"));
    crl_file_ = TextOf(env, PropertyOf(env, object, "crlFile"));
    options_.ca_file = SliceOf(ca_file_);
    options_.certificate_file = SliceOf(certificate_file_);
    options_.key_file = SliceOf(key_file_);
    options_.crl_file = SliceOf(crl_file_);
    options_.one_way = BooleanOf(env, PropertyOf(env, object, "oneWay")) ? 1 : 0;
    options_.poll_ms = static_cast<uint64_t>(NumberOf(env, PropertyOf(env, object, "poll")));
  }

  CredentialsOptions(const CredentialsOptions&) = delete;
  CredentialsOptions& operator=(const CredentialsOptions&) = delete;

  const wool_credentials_options_t* get() const { return &options_; }

 private:
  std::string ca_file_;
  std::string certificate_file_;
  std::string key_file_;
  std::string crl_file_;
  wool_credentials_options_t options_ = WOOL_CREDENTIALS_OPTIONS_INIT;
};

wool_credentials_t* CredentialsOf(const Credentials* credentials) {
  return credentials == nullptr ? nullptr : credentials->get();
}

}  // namespace

// (options) => external of Credentials
napi_value CreateCredentials(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const CredentialsOptions options(env, arguments[0]);
  wool_credentials_t* credentials = nullptr;
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_credentials_new(options.get(), &credentials, &error);
  return status == WOOL_OK ? ExternalValue(env, new Credentials(credentials, wool_credentials_free))
                           : ThrowError(env, status, error);
}

// (credentials, options) => whether they are others than before
napi_value UpdateCredentials(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  const CredentialsOptions options(env, arguments[1]);
  int32_t renewed = 0;
  wool_error_t* error = nullptr;
  const wool_status_t status =
      wool_credentials_update(CredentialsOf(arguments.External<Credentials>(0)), options.get(), &renewed, &error);
  return status == WOOL_OK ? BooleanValue(env, renewed != 0) : ThrowError(env, status, error);
}

// (credentials) => whether they have changed
napi_value ReloadCredentials(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  int32_t renewed = 0;
  wool_error_t* error = nullptr;
  const wool_status_t status =
      wool_credentials_reload(CredentialsOf(arguments.External<Credentials>(0)), &renewed, &error);
  return status == WOOL_OK ? BooleanValue(env, renewed != 0) : ThrowError(env, status, error);
}

// (credentials); throws the problem
napi_value CheckCredentials(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_credentials_problem(CredentialsOf(arguments.External<Credentials>(0)), &error);
  return status == WOOL_OK ? nullptr : ThrowError(env, status, error);
}

}  // namespace wool_node
