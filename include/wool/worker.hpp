// Workers: part of wool.hpp.
#ifndef WOOL_WORKER_HPP
#define WOOL_WORKER_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "admission.hpp"
#include "discovery.hpp"
#include "options.hpp"
#include "pool.hpp"
#include "runtime.hpp"

namespace wool {

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
};

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
  // Throws WOOL_ERR_PERMISSION_DENIED for an address beyond loopback without `allow_plaintext`, WOOL_ERR_IO when the
  // address cannot be bound, WOOL_ERR_DISCOVERY when it cannot be published, WOOL_ERR_CLOSED.
  explicit Worker(const Runtime& runtime, const WorkerOptions& options = {}) {
    const std::vector<wool_slice_t> tags = detail::slices(options.tags);
    wool_worker_options_t given = WOOL_WORKER_OPTIONS_INIT;
    given.bind = detail::slice(options.bind);
    given.socket_path = detail::slice(options.socket_path);
    given.concurrency = options.concurrency;
    given.allow_plaintext = options.allow_plaintext ? 1 : 0;
    given.secret = detail::slice(options.secret);
    given.max_payload = options.max_payload;
    given.tags = tags.data();
    given.tag_count = tags.size();
    given.publish = options.publish ? options.publish->get() : nullptr;
    given.pool = options.pool == nullptr ? nullptr : options.pool->get();
    if (options.admit) {
      given.admit = detail::admit;
      // wool's from here on, also when this fails.
      given.admit_user_data = new AdmissionHook(options.admit);
      given.admit_destroy = detail::destroy_admit;
    }
    wool_worker_t* worker = nullptr;
    detail::checked([&](wool_error_t** error) { return wool_worker_new(runtime.get(), &given, &worker, error); });
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

}  // namespace wool

#endif
