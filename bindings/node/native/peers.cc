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
  Options At(const char* name) const { return Options(env_, PropertyOf(env_, object_, name)); }
  int64_t Number(const char* name) const { return NumberOf(env_, PropertyOf(env_, object_, name)); }
  bool Bool(const char* name) const { return BooleanOf(env_, PropertyOf(env_, object_, name)); }
  Discovery DiscoveryAt(const char* name) const {
    const auto* discovery = ExternalOf<Discovery>(env_, PropertyOf(env_, object_, name));
    return discovery == nullptr ? nullptr : *discovery;
  }
  Credentials CredentialsAt(const char* name) const {
    const auto* credentials = ExternalOf<Credentials>(env_, PropertyOf(env_, object_, name));
    return credentials == nullptr ? nullptr : *credentials;
  }
  std::shared_ptr<wool_pool_t> PoolAt(const char* name) const {
    const auto* pool = ExternalOf<Pool>(env_, PropertyOf(env_, object_, name));
    return pool == nullptr ? nullptr : pool->handle;
  }

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
        advertise_(options.Texts("advertise")),
        extra_(options.Texts("extra")),
        callers_(options.Texts("callers")),
        routine_callers_(options.Texts("routineCallers")),
        peers_(options.Texts("peers")),
        stoppers_(options.Texts("stoppers")),
        identity_(options.Text("identity")),
        credentials_(options.CredentialsAt("credentials")),
        publish_(options.DiscoveryAt("publish")),
        pool_(options.PoolAt("pool")),
        concurrency_(static_cast<uint32_t>(options.Number("concurrency"))),
        max_payload_(static_cast<uint64_t>(options.Number("maxPayload"))),
        peer_connections_(static_cast<uint32_t>(options.At("peerLimits").Number("connections"))),
        peer_sessions_(static_cast<uint32_t>(options.At("peerLimits").Number("sessions"))),
        peer_calls_(static_cast<uint32_t>(options.At("peerLimits").Number("calls"))),
        peer_bytes_(static_cast<uint64_t>(options.At("peerLimits").Number("bytes"))),
        admit_tag_(static_cast<uint64_t>(options.Number("admitTag"))),
        admit_queue_(admit_tag_ == 0 ? nullptr : this->runtime()->shared_queue()),
        allow_plaintext_(options.Bool("allowPlaintext")) {}

  ~StartWorkerJob() override { wool_worker_free(worker_); }

 protected:
  wool_status_t Run(wool_runtime_t* runtime, wool_error_t** error) override {
    const std::vector<wool_slice_t> tags = SlicesOf(tags_);
    const std::vector<wool_slice_t> advertise = SlicesOf(advertise_);
    const std::vector<wool_slice_t> extra = SlicesOf(extra_);
    const std::vector<wool_slice_t> callers = SlicesOf(callers_);
    const std::vector<wool_slice_t> routine_callers = SlicesOf(routine_callers_);
    const std::vector<wool_slice_t> peers = SlicesOf(peers_);
    const std::vector<wool_slice_t> stoppers = SlicesOf(stoppers_);
    wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
    options.bind = SliceOf(bind_);
    options.socket_path = SliceOf(socket_path_);
    options.concurrency = concurrency_;
    options.allow_plaintext = allow_plaintext_ ? 1 : 0;
    options.secret = SliceOf(secret_);
    options.max_payload = max_payload_;
    options.tags = tags.data();
    options.tag_count = tags.size();
    options.publish = publish_.get();
    options.pool = pool_.get();
    options.admit_queue = admit_queue_.get();
    options.admit_tag = admit_tag_;
    options.advertise = advertise.data();
    options.advertise_count = advertise.size();
    options.extra = extra.data();
    options.extra_count = extra.size();
    options.credentials = credentials_.get();
    options.identity = SliceOf(identity_);
    options.callers = callers.data();
    options.caller_count = callers.size();
    options.routine_callers = routine_callers.data();
    options.routine_caller_count = routine_callers.size();
    options.peers = peers.data();
    options.peer_count = peers.size();
    options.stoppers = stoppers.data();
    options.stopper_count = stoppers.size();
    options.peer_connections = peer_connections_;
    options.peer_sessions = peer_sessions_;
    options.peer_calls = peer_calls_;
    options.peer_bytes = peer_bytes_;
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
  std::vector<std::string> advertise_;
  // Names and values in turn.
  std::vector<std::string> extra_;
  std::vector<std::string> callers_;
  // Routines and patterns in turn.
  std::vector<std::string> routine_callers_;
  std::vector<std::string> peers_;
  std::vector<std::string> stoppers_;
  std::string identity_;
  Credentials credentials_;
  Discovery publish_;
  std::shared_ptr<wool_pool_t> pool_;
  uint32_t concurrency_;
  uint64_t max_payload_;
  uint32_t peer_connections_;
  uint32_t peer_sessions_;
  uint32_t peer_calls_;
  uint64_t peer_bytes_;
  uint64_t admit_tag_;
  // The runtime's, which may be disposed of meanwhile.
  std::shared_ptr<wool_queue_t> admit_queue_;
  bool allow_plaintext_;
  wool_worker_t* worker_ = nullptr;
};

wool_status_t NewPool(const Runtime& runtime, const Options& given, wool_pool_t** pool, wool_error_t** error) {
  const std::vector<std::string> command = given.Texts("command");
  const std::vector<std::string> addresses = given.Texts("addresses");
  const std::vector<std::string> tags = given.Texts("tags");
  const std::vector<wool_slice_t> command_slices = SlicesOf(command);
  const std::vector<wool_slice_t> address_slices = SlicesOf(addresses);
  const std::vector<wool_slice_t> tag_slices = SlicesOf(tags);
  const Discovery discovery = given.DiscoveryAt("discovery");
  const std::string secret = given.Text("secret");
  const std::string bind = given.Text("bind");
  const std::vector<std::string> advertise = given.Texts("advertise");
  const std::vector<wool_slice_t> advertise_slices = SlicesOf(advertise);
  const Credentials credentials = given.CredentialsAt("credentials");
  const std::string identity = given.Text("identity");
  const std::vector<std::string> peers = given.Texts("peers");
  const std::vector<wool_slice_t> peer_slices = SlicesOf(peers);
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.spawn = static_cast<int32_t>(given.Number("spawn"));
  options.command_is_own = given.Bool("commandIsOwn") ? 1 : 0;
  options.command = command_slices.data();
  options.command_count = command_slices.size();
  options.concurrency = static_cast<uint32_t>(given.Number("concurrency"));
  options.lease = static_cast<uint32_t>(given.Number("lease"));
  options.grace_ms = given.Number("grace");
  options.discovery = discovery.get();
  options.addresses = address_slices.data();
  options.address_count = address_slices.size();
  options.tags = tag_slices.data();
  options.tag_count = tag_slices.size();
  options.quorum = static_cast<uint32_t>(given.Number("quorum"));
  options.allow_plaintext = given.Bool("allowPlaintext") ? 1 : 0;
  options.quorum_timeout_ms = static_cast<uint64_t>(given.Number("quorumTimeout"));
  options.dispatch_timeout_ms = static_cast<uint64_t>(given.Number("dispatchTimeout"));
  options.secret = SliceOf(secret);
  options.max_payload = static_cast<uint64_t>(given.Number("maxPayload"));
  options.bind = SliceOf(bind);
  options.advertise = advertise_slices.data();
  options.advertise_count = advertise_slices.size();
  options.credentials = credentials.get();
  options.identity = SliceOf(identity);
  options.peers = peer_slices.data();
  options.peer_count = peer_slices.size();
  if (const auto tag = static_cast<uint64_t>(given.Number("peerCheckTag")); tag != 0) {
    options.peer_check_queue = runtime.queue();
    options.peer_check_tag = tag;
  }
  options.balancer = static_cast<int32_t>(given.Number("balancer"));
  if (options.balancer == WOOL_BALANCER_CUSTOM) {
    options.balance_queue = runtime.queue();
    options.balance_tag = static_cast<uint64_t>(given.Number("balanceTag"));
  }
  return wool_pool_new(runtime.handle().get(), &options, pool, error);
}

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

// (worker, tag)
napi_value WorkerStopped(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  auto* worker = arguments.External<Worker>(0);
  if (worker == nullptr || worker->runtime->queue() == nullptr) {
    return ThrowError(env, WOOL_ERR_CLOSED, nullptr);
  }
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_worker_stopped_submit(worker->handle, worker->runtime->queue(),
                                                          static_cast<uint64_t>(arguments.Int64(1)), &error);
  return status == WOOL_OK ? nullptr : ThrowError(env, status, error);
}

// (runtime, options) => external of Pool
napi_value CreatePool(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  std::shared_ptr<Runtime> runtime = SharedRuntimeOf(arguments, 0);
  if (runtime == nullptr || runtime->handle() == nullptr) {
    return ThrowError(env, WOOL_ERR_CLOSED, nullptr);
  }
  wool_pool_t* pool = nullptr;
  wool_error_t* error = nullptr;
  const wool_status_t status = NewPool(*runtime, Options(env, arguments[1]), &pool, &error);
  if (status != WOOL_OK) {
    return ThrowError(env, status, error);
  }
  return ExternalValue(env, new Pool(std::move(runtime), pool));
}

// (pool) => Buffer
napi_value PoolStatus(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const auto* pool = arguments.External<Pool>(0);
  wool_bytes_t bytes{};
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_pool_status(pool == nullptr ? nullptr : pool->handle.get(), &bytes, &error);
  if (status != WOOL_OK) {
    return ThrowError(env, status, error);
  }
  napi_value buffer = BufferValue(env, bytes.ptr, bytes.len);
  wool_bytes_free(&bytes);
  return buffer;
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
      wool_pool_close_submit(pool->handle.get(), pool->runtime->queue(), static_cast<uint64_t>(arguments.Int64(1)), &error);
  return status == WOOL_OK ? nullptr : ThrowError(env, status, error);
}

// (runtime, tag) => whether this process is a worker
napi_value ServeIfSpawned(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  const Runtime* runtime = RuntimeOf(arguments, 0);
  if (runtime == nullptr || runtime->queue() == nullptr) {
    return ThrowError(env, WOOL_ERR_CLOSED, nullptr);
  }
  int32_t spawned = 0;
  wool_error_t* error = nullptr;
  const wool_status_t status = wool_serve_if_spawned_submit(
      runtime->handle().get(), runtime->queue(), static_cast<uint64_t>(arguments.Int64(1)), &spawned, &error);
  return status == WOOL_OK ? BooleanValue(env, spawned != 0) : ThrowError(env, status, error);
}

}  // namespace wool_node
