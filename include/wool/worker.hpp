// Workers: part of wool.hpp.
#ifndef WOOL_WORKER_HPP
#define WOOL_WORKER_HPP

#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "admission.hpp"
#include "credentials.hpp"
#include "discovery.hpp"
#include "options.hpp"
#include "pool.hpp"
#include "runtime.hpp"

namespace wool {

// Who may call a routine.
struct RoutineCallers {
  // Its name, or "prefix.*" for all that begin so.
  std::string routine;
  // Patterns, at least one, as WorkerOptions::callers.
  std::vector<std::string> callers;
};

// How a worker is set up.
struct WorkerOptions {
  // "host:port"; port 0 picks a free one. Empty = "127.0.0.1:0".
  std::string bind = {};
  // Also serves on a Unix socket at this path, which is readable by this user only. Empty = none.
  std::string socket_path = {};
  // Tasks that may run at once; those beyond are refused, and callers try another worker. 0 = 1,024.
  std::uint32_t concurrency = 0;
  // May bind beyond loopback, where without TLS everybody who reaches the address could call.
  bool allow_plaintext = false;
  // Callers must present it. Empty = none.
  std::string secret = {};
  // Largest arguments, results and items, in bytes. 0 = 256 MiB.
  std::uint64_t max_payload = 0;
  // Labels by which pools choose.
  std::vector<std::string> tags = {};
  // Where pools find this worker. Without `secret`, one that is drawn by lot goes into the record, and only who can
  // read that may call.
  std::optional<Discovery> publish = std::nullopt;
  // Decides about each call before it begins; see AdmissionHook. None = all are let in.
  AdmissionHook admit = nullptr;
  // By which tasks call (Task::call) whose caller's pool cannot be used here, as it is one of another machine; nullptr = they
  // cannot call. It is looked at when the worker is made, which keeps it open.
  const WorkerPool* pool = nullptr;
  // How others reach it, in its record, where that is not what it is bound to: "host" or "host:port", IPv6 hosts in
  // brackets. Empty = the address that it is bound to. Bound to all addresses of the machine ("0.0.0.0:0"), a worker on the
  // LAN is reached at those of its networks; another discovery has to be told.
  std::vector<std::string> advertise = {};
  // What else its record says of it, for others.
  std::map<std::string, std::string> extra = {};
  // What it presents to its callers, and which of them it believes; none = no TLS. With them it may bind beyond loopback.
  std::optional<Credentials> credentials = std::nullopt;
  // The name that it claims in its record, and that its certificate holds: a DNS name or a URI (SPIFFE). Pools whose `peers`
  // accept it take that instead of the address that they dialled. Empty = none.
  std::string identity = {};
  // Whom it lets in, by patterns for a name of their certificate: "caller.example", "*.example", "spiffe://example/caller",
  // "spiffe://example/*", "*". Empty = all whose certificates are good. Over its Unix socket the secret decides.
  std::vector<std::string> callers = {};
  // Who may call what, beside `callers`. A routine that is named is for those alone.
  std::vector<RoutineCallers> routine_callers = {};
  // As PoolOptions::peers, for those by which its tasks call on.
  std::vector<std::string> peers = {};
  // Who may stop it from elsewhere (the gRPC method wool.v1.Control/Stop), by patterns as `callers`. Empty = nobody.
  std::vector<std::string> stoppers = {};
  // What one peer may take of it: whoever presents certificates of the same names, or without names an IP address.
  // Connections at once; further ones are closed. 0 = 1,024.
  std::uint32_t peer_connections = 0;
  // Sessions at once; further ones are refused as WOOL_ERR_BUSY. 0 = 1,024.
  std::uint32_t peer_sessions = 0;
  // Tasks at once, over all sessions; further calls are answered as busy. 0 = 65,536.
  std::uint32_t peer_calls = 0;
  // Bytes of large payloads that may be on their way to it or held by its tasks, over all sessions. 0 = 64 GiB.
  std::uint64_t peer_bytes = 0;
};

namespace detail {

// Options as wool.h takes them, which must be used once: it takes over the hook, also when it fails.
class GivenWorkerOptions {
 public:
  explicit GivenWorkerOptions(const WorkerOptions& options)
      : tags_(slices(options.tags)),
        advertise_(slices(options.advertise)),
        callers_(slices(options.callers)),
        peers_(slices(options.peers)),
        stoppers_(slices(options.stoppers)) {
    for (const RoutineCallers& rule : options.routine_callers) {
      // Nothing would be passed on, and all could call it.
      if (rule.callers.empty()) throw Error(WOOL_ERR_INVALID_ARGUMENT, "no callers for the routine " + detail::quoted(rule.routine));
      for (const std::string& caller : rule.callers) {
        routine_callers_.push_back(slice(rule.routine));
        routine_callers_.push_back(slice(caller));
      }
    }
    for (const auto& [name, value] : options.extra) {
      extra_.push_back(slice(name));
      extra_.push_back(slice(value));
    }
    given_.bind = slice(options.bind);
    given_.socket_path = slice(options.socket_path);
    given_.concurrency = options.concurrency;
    given_.allow_plaintext = options.allow_plaintext ? 1 : 0;
    given_.secret = slice(options.secret);
    given_.max_payload = options.max_payload;
    given_.tags = tags_.data();
    given_.tag_count = tags_.size();
    given_.publish = options.publish ? options.publish->get() : nullptr;
    given_.pool = options.pool == nullptr ? nullptr : options.pool->get();
    given_.advertise = advertise_.data();
    given_.advertise_count = advertise_.size();
    given_.extra = extra_.data();
    given_.extra_count = extra_.size();
    given_.credentials = options.credentials ? options.credentials->get() : nullptr;
    given_.identity = slice(options.identity);
    given_.callers = callers_.data();
    given_.caller_count = callers_.size();
    given_.routine_callers = routine_callers_.data();
    given_.routine_caller_count = routine_callers_.size();
    given_.peers = peers_.data();
    given_.peer_count = peers_.size();
    given_.stoppers = stoppers_.data();
    given_.stopper_count = stoppers_.size();
    given_.peer_connections = options.peer_connections;
    given_.peer_sessions = options.peer_sessions;
    given_.peer_calls = options.peer_calls;
    given_.peer_bytes = options.peer_bytes;
    if (options.admit) {
      given_.admit = admit;
      given_.admit_user_data = new AdmissionHook(options.admit);
      given_.admit_destroy = destroy_admit;
    }
  }
  GivenWorkerOptions(const GivenWorkerOptions&) = delete;
  GivenWorkerOptions& operator=(const GivenWorkerOptions&) = delete;

  const wool_worker_options_t* get() const noexcept { return &given_; }

 private:
  std::vector<wool_slice_t> tags_;
  std::vector<wool_slice_t> advertise_;
  std::vector<wool_slice_t> extra_;
  std::vector<wool_slice_t> callers_;
  std::vector<wool_slice_t> routine_callers_;
  std::vector<wool_slice_t> peers_;
  std::vector<wool_slice_t> stoppers_;
  wool_worker_options_t given_ = WOOL_WORKER_OPTIONS_INIT;
};

}  // namespace detail

// Where a program becomes a worker: first thing in main, once its routines are registered.
//
//   if (wool::serve_if_spawned(runtime)) return 0;
//
// In a process that a pool started it serves the runtime's routines until the pool says stop or has gone, or SIGTERM
// or SIGINT asks it to drain, and returns true: leave main. In any other process it returns false at once, and from
// then on pools may start this program. Standard input of a started process is closed.
//
// It blocks; in a routine it does nothing and returns false. It does not throw: why a worker could not start, the pool
// is told.
inline bool serve_if_spawned(const Runtime& runtime) noexcept { return wool_serve_if_spawned(runtime.get()) != 0; }

// Serves a runtime's routines, in this process. Destroying one that is not stopped stops it in the background, without
// grace.
class Worker {
 public:
  // Binds and serves: callers can connect now. Routines may be registered before and after.
  //
  // Throws WOOL_ERR_PERMISSION_DENIED for an address beyond loopback without `credentials` or `allow_plaintext`, WOOL_ERR_IO
  // when the address cannot be bound, WOOL_ERR_DISCOVERY when it cannot be published, WOOL_ERR_INVALID_ARGUMENT for what is no
  // pattern and for credentials without a certificate, WOOL_ERR_CLOSED.
  explicit Worker(const Runtime& runtime, const WorkerOptions& options = {}) {
    const detail::GivenWorkerOptions given(options);
    wool_worker_t* worker = nullptr;
    detail::checked([&](wool_error_t** error) { return wool_worker_new(runtime.get(), given.get(), &worker, error); });
    worker_.reset(worker);
  }

  // Where it is reached, e.g. "127.0.0.1:43211".
  std::string address() const { return detail::string(wool_worker_address(get())); }
  // Its UUID, dashed. A restarted worker has another.
  std::string uid() const { return detail::string(wool_worker_uid(get())); }

  // Takes no new tasks, lets those that run go on for the grace, cancels what is left, and waits for the last one. It
  // may be called again, and then can shorten the grace.
  //
  // Throws WOOL_ERR_TIMEOUT: stopping goes on and can be waited for again. WOOL_ERR_INVALID_ARGUMENT in a routine.
  void stop(milliseconds grace = milliseconds(0), milliseconds timeout = forever) {
    detail::checked(
        [&](wool_error_t** error) { return wool_worker_stop(get(), grace.count(), timeout.count(), error); });
  }

  // For what only wool.h offers. It stays this object's.
  wool_worker_t* get() const noexcept { return worker_.get(); }

 private:
  detail::Handle<wool_worker_t, wool_worker_free> worker_;
};

// A worker that run_worker has started.
struct StartedWorker {
  // Where it is reached, e.g. "127.0.0.1:43211".
  std::string address;
  // Its UUID, dashed.
  std::string uid;
};

namespace detail {

// What is to be told, and what that has thrown.
struct Starting {
  const std::function<void(const StartedWorker&)>& started;
  std::exception_ptr thrown;

  static void tell(void* user_data, wool_worker_t* worker) noexcept {
    auto& starting = *static_cast<Starting*>(user_data);
    try {
      starting.started({string(wool_worker_address(worker)), string(wool_worker_uid(worker))});
    } catch (...) {
      starting.thrown = std::current_exception();
      // Without waiting: the end is waited for in any case.
      wool_worker_stop(worker, 0, 0, nullptr);
    }
  }
};

}  // namespace detail

// For a program that is a worker: starts one and serves until the process gets SIGTERM or SIGINT. Then the worker is not to
// be found any more, takes no new tasks, lets those that run go on for the grace, and this returns when the last has ended. A
// second signal stops it at once. It returns, too, when the runtime is closed meanwhile. `started` is called on this thread
// when callers can connect; what it throws stops the worker and is thrown from here.
//
//   wool::WorkerOptions options;
//   options.publish = wool::Discovery::lan();
//   wool::run_worker(runtime, options);
//
// While it runs the two signals are wool's; afterwards they do what they did before.
//
// Throws what making a Worker throws; WOOL_ERR_INVALID_ARGUMENT in a routine, and when a worker of this process is run
// already.
inline void run_worker(const Runtime& runtime, const WorkerOptions& options = {}, milliseconds grace = forever,
                       const std::function<void(const StartedWorker&)>& started = nullptr) {
  const detail::GivenWorkerOptions given(options);
  detail::Starting starting{started, nullptr};
  detail::checked([&](wool_error_t** error) {
    return wool_worker_run(runtime.get(), given.get(), grace.count(), started ? detail::Starting::tell : nullptr, &starting,
                           error);
  });
  if (starting.thrown != nullptr) std::rethrow_exception(starting.thrown);
}

}  // namespace wool

#endif
