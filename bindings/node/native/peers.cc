#include "peers.h"

#include <string>
#include <vector>

#include "arguments.h"
#include "errors.h"
#include "functions.h"
#include "job.h"

namespace wool_node {
namespace {

// An object with options. What is undefined is zero or empty, which libwool takes for the default.
class Options {
 public:
  Options(napi_env env, napi_value object) : env_(env), object_(object) {}

  std::string Text(const char* name) const { return TextOf(env_, PropertyOf(env_, object_, name)); }
  std::vector<std::string> Texts(const char* name) const { return TextsOf(env_, PropertyOf(env_, object_, name)); }
  int64_t Number(const char* name) const { return NumberOf(env_, PropertyOf(env_, object_, name)); }
  bool Bool(const char* name) const { return BooleanOf(env_, PropertyOf(env_, object_, name)); }

 private:
  napi_env env_;
  napi_value object_;
};

class CloseRuntimeJob : public Job {
 public:
  CloseRuntimeJob(napi_env env, std::shared_ptr<Runtime> runtime, int64_t timeout)
      : Job(env, std::move(runtime)), timeout_(timeout) {}

 protected:
  wool_status_t Run(wool_runtime_t* runtime, wool_error_t** error) override {
    return wool_runtime_close(runtime, timeout_, error);
  }

 private:
  int64_t timeout_;
};

class StartWorkerJob : public Job {
 public:
  StartWorkerJob(napi_env env, std::shared_ptr<Runtime> runtime, const Options& options)
      : Job(env, std::move(runtime)),
        bind_(options.Text("bind")),
        socket_path_(options.Text("socketPath")),
        secret_(options.Text("secret")),
        tags_(options.Texts("tags")),
        concurrency_(static_cast<uint32_t>(options.Number("concurrency"))),
        max_payload_(static_cast<uint64_t>(options.Number("maxPayload"))),
        allow_plaintext_(options.Bool("allowPlaintext")) {}

  ~StartWorkerJob() override { wool_worker_free(worker_); }

 protected:
  wool_status_t Run(wool_runtime_t* runtime, wool_error_t** error) override {
    const std::vector<wool_slice_t> tags = SlicesOf(tags_);
    wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
    options.bind = SliceOf(bind_);
    options.socket_path = SliceOf(socket_path_);
    options.concurrency = concurrency_;
    options.allow_plaintext = allow_plaintext_ ? 1 : 0;
    options.secret = SliceOf(secret_);
    options.max_payload = max_payload_;
    options.tags = tags.data();
    options.tag_count = tags.size();
    return wool_worker_new(runtime, &options, &worker_, error);
  }

  napi_value Result(napi_env env) override {
    napi_value result = ObjectValue(env);
    SetProperty(env, result, "address", TextValue(env, wool_worker_address(worker_)));
    SetProperty(env, result, "uid", TextValue(env, wool_worker_uid(worker_)));
    SetProperty(env, result, "handle", ExternalValue(env, new Worker(runtime(), worker_)));
    worker_ = nullptr;
    return result;
  }

 private:
  std::string bind_;
  std::string socket_path_;
  std::string secret_;
  std::vector<std::string> tags_;
  uint32_t concurrency_;
  uint64_t max_payload_;
  bool allow_plaintext_;
  wool_worker_t* worker_ = nullptr;
};

}  // namespace

// (logLevel, slab, fields, onDoorbell, onLog) => external of shared_ptr<Runtime>
napi_value CreateRuntime(napi_env env, napi_callback_info info) {
  const Arguments<5> arguments(env, info);
  auto runtime = std::make_shared<Runtime>(env);
  if (!runtime->Open(arguments.Int32(0), arguments[1], arguments[2], arguments[3], arguments[4])) {
    return nullptr;
  }
  return ExternalValue(env, new std::shared_ptr<Runtime>(std::move(runtime)));
}

// (runtime, timeout) => Promise
napi_value CloseRuntime(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  std::shared_ptr<Runtime> runtime = SharedRuntimeOf(arguments, 0);
  if (runtime == nullptr || runtime->handle() == nullptr) {
    return ThrowError(env, WOOL_ERR_CLOSED, nullptr);
  }
  return Job::Start(std::make_unique<CloseRuntimeJob>(env, std::move(runtime), arguments.Int64(1)));
}

// (runtime)
napi_value DisposeRuntime(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  if (const std::shared_ptr<Runtime> runtime = SharedRuntimeOf(arguments, 0); runtime != nullptr) {
    runtime->Dispose();
  }
  return nullptr;
}

// (runtime, options) => Promise<{ handle, address, uid }>
napi_value StartWorker(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  std::shared_ptr<Runtime> runtime = SharedRuntimeOf(arguments, 0);
  if (runtime == nullptr || runtime->handle() == nullptr) {
    return ThrowError(env, WOOL_ERR_CLOSED, nullptr);
  }
  return Job::Start(std::make_unique<StartWorkerJob>(env, std::move(runtime), Options(env, arguments[1])));
}

// (worker, grace, tag)
napi_value StopWorker(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  auto* worker = arguments.External<Worker>(0);
  if (worker == nullptr || worker->runtime->queue() == nullptr) {
    return ThrowError(env, WOOL_ERR_CLOSED, nullptr);
  }
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_worker_stop_submit(worker->handle, arguments.Int64(1), worker->runtime->queue(),
                                                       static_cast<uint64_t>(arguments.Int64(2)), &error);
  return status == WOOL_OK ? nullptr : ThrowError(env, status, error);
}

// (runtime, options) => external of Pool
napi_value CreatePool(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  std::shared_ptr<Runtime> runtime = SharedRuntimeOf(arguments, 0);
  if (runtime == nullptr || runtime->handle() == nullptr) {
    return ThrowError(env, WOOL_ERR_CLOSED, nullptr);
  }
  const Options given(env, arguments[1]);
  const std::vector<std::string> addresses = given.Texts("addresses");
  const std::vector<wool_slice_t> slices = SlicesOf(addresses);
  const std::string secret = given.Text("secret");
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.addresses = slices.data();
  options.address_count = slices.size();
  options.dispatch_timeout_ms = static_cast<uint64_t>(given.Number("dispatchTimeout"));
  options.secret = SliceOf(secret);
  options.allow_plaintext = given.Bool("allowPlaintext") ? 1 : 0;
  options.max_payload = static_cast<uint64_t>(given.Number("maxPayload"));
  wool_pool_t* pool = nullptr;
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_pool_new(runtime->handle().get(), &options, &pool, &error);
  if (status != WOOL_OK) {
    return ThrowError(env, status, error);
  }
  return ExternalValue(env, new Pool(std::move(runtime), pool));
}

// (pool, tag)
napi_value ClosePool(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  auto* pool = arguments.External<Pool>(0);
  if (pool == nullptr || pool->runtime->queue() == nullptr) {
    return ThrowError(env, WOOL_ERR_CLOSED, nullptr);
  }
  wool_error_t* error = nullptr;
  const wool_status_t status =
      wool_pool_close_submit(pool->handle, pool->runtime->queue(), static_cast<uint64_t>(arguments.Int64(1)), &error);
  return status == WOOL_OK ? nullptr : ThrowError(env, status, error);
}

}  // namespace wool_node
