#include <string>
#include <utility>
#include <vector>

#include "arguments.h"
#include "errors.h"
#include "functions.h"
#include "job.h"
#include "peers.h"

namespace wool_node {
namespace {

// What the functions of libwool that make a discovery give.
napi_value Made(napi_env env, wool_status_t status, wool_discovery_t* discovery, wool_error_t* error) {
  return status == WOOL_OK ? ExternalValue(env, new Discovery(discovery, wool_discovery_free))
                           : ThrowError(env, status, error);
}

class ListWorkersJob : public Job {
 public:
  ListWorkersJob(napi_env env, std::shared_ptr<Runtime> runtime, Discovery discovery, int64_t timeout)
      : Job(env, std::move(runtime)), discovery_(std::move(discovery)), timeout_(static_cast<uint64_t>(timeout)) {}

  ~ListWorkersJob() override { wool_bytes_free(&listing_); }

 protected:
  wool_status_t Run(wool_runtime_t* runtime, wool_error_t** error) override {
    return wool_discovery_list(discovery_.get(), runtime, timeout_, &listing_, error);
  }

  napi_value Result(napi_env env) override { return BufferValue(env, listing_.ptr, listing_.len); }

 private:
  Discovery discovery_;
  uint64_t timeout_;
  wool_bytes_t listing_{};
};

// Nothing, or the error that was made of what libwool was told.
napi_value Told(napi_env env, wool_status_t status, wool_error_t* error) {
  return status == WOOL_OK ? nullptr : ThrowError(env, status, error);
}

}  // namespace

// (namespace, directory) => external of Discovery
napi_value CreateLocalDiscovery(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  const Text name_space(env, arguments[0]);
  const Text directory(env, arguments[1]);
  wool_discovery_t* discovery = nullptr;
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_discovery_new_local(name_space.slice(), directory.slice(), &discovery, &error);
  return Made(env, status, discovery, error);
}

// (namespace, interfaces) => external of Discovery
napi_value CreateLanDiscovery(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  const Text name_space(env, arguments[0]);
  const std::vector<std::string> interfaces = TextsOf(env, arguments[1]);
  const std::vector<wool_slice_t> slices = SlicesOf(interfaces);
  wool_lan_options_t options = WOOL_LAN_OPTIONS_INIT;
  options.name_space = name_space.slice();
  options.interfaces = slices.data();
  options.interface_count = slices.size();
  wool_discovery_t* discovery = nullptr;
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_discovery_new_lan(&options, &discovery, &error);
  return Made(env, status, discovery, error);
}

// (addresses) => external of Discovery
napi_value CreateStaticDiscovery(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const std::vector<std::string> addresses = TextsOf(env, arguments[0]);
  const std::vector<wool_slice_t> slices = SlicesOf(addresses);
  wool_discovery_t* discovery = nullptr;
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_discovery_new_static(slices.data(), slices.size(), &discovery, &error);
  return Made(env, status, discovery, error);
}

// (name, servers) => external of Discovery
napi_value CreateDnsDiscovery(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  const Text name(env, arguments[0]);
  const std::vector<std::string> servers = TextsOf(env, arguments[1]);
  const std::vector<wool_slice_t> slices = SlicesOf(servers);
  wool_discovery_t* discovery = nullptr;
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_discovery_new_dns(name.slice(), slices.data(), slices.size(), &discovery, &error);
  return Made(env, status, discovery, error);
}

// (discoveries) => external of Discovery
napi_value CreateStackedDiscovery(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  std::vector<const wool_discovery_t*> discoveries;
  uint32_t count = 0;
  napi_get_array_length(env, arguments[0], &count);
  for (uint32_t index = 0; index < count; index++) {
    napi_value element = nullptr;
    napi_get_element(env, arguments[0], index, &element);
    const auto* discovery = ExternalOf<Discovery>(env, element);
    discoveries.push_back(discovery == nullptr ? nullptr : discovery->get());
  }
  wool_discovery_t* discovery = nullptr;
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_discovery_new_stacked(discoveries.data(), discoveries.size(), &discovery, &error);
  return Made(env, status, discovery, error);
}

// (runtime, tag, publishes) => external of Discovery
napi_value CreateCustomDiscovery(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  const Runtime* runtime = RuntimeOf(arguments, 0);
  if (runtime == nullptr || runtime->queue() == nullptr) {
    return ThrowError(env, WOOL_ERR_CLOSED, nullptr);
  }
  wool_custom_discovery_t options = WOOL_CUSTOM_DISCOVERY_INIT;
  options.queue = runtime->queue();
  options.tag = static_cast<uint64_t>(arguments.Int64(1));
  options.publishes = arguments.Bool(2) ? 1 : 0;
  wool_discovery_t* discovery = nullptr;
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_discovery_new_custom(&options, &discovery, &error);
  return Made(env, status, discovery, error);
}

// (runtime, discovery, timeout) => Promise<Buffer>
napi_value ListWorkers(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  std::shared_ptr<Runtime> runtime = SharedRuntimeOf(arguments, 0);
  const auto* discovery = arguments.External<Discovery>(1);
  if (runtime == nullptr || runtime->handle() == nullptr || discovery == nullptr) {
    return ThrowError(env, WOOL_ERR_CLOSED, nullptr);
  }
  return Job::Start(std::make_unique<ListWorkersJob>(env, std::move(runtime), *discovery, arguments.Int64(2)));
}

// (subscription, bytes)
napi_value SubscriptionFound(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  const Memory record(env, arguments[1]);
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_subscription_found(
      arguments.Handle(0), {static_cast<const uint8_t*>(record.data), record.length}, &error);
  return Told(env, status, error);
}

// (subscription, key)
napi_value SubscriptionGone(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  const Text key(env, arguments[1]);
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_subscription_gone(arguments.Handle(0), key.slice(), &error);
  return Told(env, status, error);
}

// (subscription)
napi_value SubscriptionScanned(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_subscription_scanned(arguments.Handle(0), &error);
  return Told(env, status, error);
}

// (subscription, message)
napi_value SubscriptionFailed(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  const Text message(env, arguments[1]);
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_subscription_failed(arguments.Handle(0), message.slice(), &error);
  return Told(env, status, error);
}

// (publication, status, message)
napi_value AnswerPublication(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  const Text message(env, arguments[2]);
  wool_error_t* error = nullptr;
  const wool_status_t status =
      wool_publication_answer(arguments.Handle(0), arguments.Int32(1), message.slice(), &error);
  return Told(env, status, error);
}

}  // namespace wool_node
