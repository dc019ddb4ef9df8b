// Pools and calls: part of wool.hpp.
#ifndef WOOL_POOL_HPP
#define WOOL_POOL_HPP

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "balancer.hpp"
#include "call.hpp"
#include "credentials.hpp"
#include "discovery.hpp"
#include "fan_out.hpp"
#include "options.hpp"
#include "peers.hpp"
#include "runtime.hpp"
#include "status.hpp"

namespace wool {

// How a pool is set up. With nothing said, it starts a worker process per core. With `spawn`, it starts so many; with
// `discovery` or `addresses` it joins the workers that are there; with both it does both.
//
// A pool that starts this program again, which is what it does without a `command`, must be made after
// serve_if_spawned.
struct PoolOptions {
  // Workers at fixed addresses: "host:port" or "unix:/path".
  std::vector<std::string> addresses = {};
  // Worker processes to start and to keep up. Nothing = one per core, or none where `discovery` or `addresses` are
  // given.
  std::optional<std::uint32_t> spawn = std::nullopt;
  // The program that becomes a worker, and its arguments. Empty = this program, with its own arguments.
  std::vector<std::string> command = {};
  // `command` starts this program again.
  bool command_is_own = false;
  // Tasks that each of the started workers may run at once. 0 = 1,024.
  std::uint32_t concurrency = 0;
  // What the started workers get to finish their tasks when the pool closes: 0 cancels now; `forever`.
  milliseconds grace{0};
  // Where workers are found, and where those that the pool starts are published. Nothing = the pool finds only its own.
  std::optional<Discovery> discovery = std::nullopt;
  // Found workers must have all of these labels; the started ones get them.
  std::vector<std::string> tags = {};
  // The most found workers that are admitted; those that the pool starts do not count. 0 = all.
  std::uint32_t lease = 0;
  // Connected workers that the first call waits for. 0 = 1.
  std::uint32_t quorum = 0;
  // How long calls wait for the quorum. 0 = 60 s.
  milliseconds quorum_timeout{0};
  // How long a call looks for a worker that takes it. 0 = 60 s.
  milliseconds dispatch_timeout{0};
  // Presented to the workers at `addresses`, and to those that are found elsewhere than on the LAN, unless their record holds
  // another. Empty = none.
  std::string secret = {};
  // May dial beyond loopback without TLS, and let the started workers listen there.
  bool allow_plaintext = false;
  // Largest arguments, results and items, in bytes. 0 = 256 MiB.
  std::uint64_t max_payload = 0;
  // Where the started workers listen: "host:port", port 0 picking a free one. Empty = "127.0.0.1:0".
  std::string bind = {};
  // How others reach the started workers, as WorkerOptions::advertise.
  std::vector<std::string> advertise = {};
  // How calls are spread over the workers.
  Balancer balancer = Balancer::round_robin();
  // What it presents to workers, and which of them it believes; none = no TLS. The workers that it starts get them, too.
  std::optional<Credentials> credentials = std::nullopt;
  // The identity of the started workers, as WorkerOptions::identity.
  std::string identity = {};
  // Whose identities are believed, by patterns as WorkerOptions::callers: a worker whose record claims such a one is verified
  // by it, wherever it is reached. All others, and without this all, by the address that was dialled.
  std::vector<std::string> peers = {};
  // Instead of `peers`: says whether the identity that a worker claims is believed.
  PeerCheck peer_check = nullptr;
};

// The caller's view of a set of workers. Destroying one that is not closed closes it in the background.
class WorkerPool {
 public:
  // It starts, finds and connects in the background, and goes on doing so: a worker may come later, or come back.
  //
  // Throws WOOL_ERR_INVALID_ARGUMENT for options that contradict each other, WOOL_ERR_PERMISSION_DENIED for an address
  // beyond loopback without `allow_plaintext`, WOOL_ERR_DISCOVERY when workers cannot be found here at all,
  // WOOL_ERR_SPAWN_FAILED when this program may not be started again, WOOL_ERR_CLOSED.
  explicit WorkerPool(const Runtime& runtime, const PoolOptions& options = {}) : errors_(runtime.errors_) {
    const std::vector<wool_slice_t> addresses = detail::slices(options.addresses);
    const std::vector<wool_slice_t> command = detail::slices(options.command);
    const std::vector<wool_slice_t> tags = detail::slices(options.tags);
    const std::vector<wool_slice_t> advertise = detail::slices(options.advertise);
    const std::vector<wool_slice_t> peers = detail::slices(options.peers);
    wool_pool_options_t given = WOOL_POOL_OPTIONS_INIT;
    given.spawn = spawn(options.spawn);
    given.command_is_own = options.command_is_own ? 1 : 0;
    given.command = command.data();
    given.command_count = command.size();
    given.concurrency = options.concurrency;
    given.lease = options.lease;
    given.grace_ms = options.grace.count();
    given.discovery = options.discovery ? options.discovery->get() : nullptr;
    given.addresses = addresses.data();
    given.address_count = addresses.size();
    given.tags = tags.data();
    given.tag_count = tags.size();
    given.quorum = options.quorum;
    given.allow_plaintext = options.allow_plaintext ? 1 : 0;
    given.quorum_timeout_ms = detail::option(options.quorum_timeout, "quorum_timeout");
    given.dispatch_timeout_ms = detail::option(options.dispatch_timeout, "dispatch_timeout");
    given.secret = detail::slice(options.secret);
    given.max_payload = options.max_payload;
    given.bind = detail::slice(options.bind);
    given.advertise = advertise.data();
    given.advertise_count = advertise.size();
    given.credentials = options.credentials ? options.credentials->get() : nullptr;
    given.identity = detail::slice(options.identity);
    given.peers = peers.data();
    given.peer_count = peers.size();
    std::unique_ptr<PeerCheck> check;
    if (options.peer_check) {
      check = std::make_unique<PeerCheck>(options.peer_check);
      given.peer_check = detail::check_peer;
      given.peer_check_user_data = check.get();
      given.peer_check_destroy = detail::destroy_peer_check;
    }
    // Last: nothing throws between this and wool's taking both over.
    options.balancer.give(given);
    static_cast<void>(check.release());
    wool_pool_t* pool = nullptr;
    detail::checked([&](wool_error_t** error) { return wool_pool_new(runtime.get(), &given, &pool, error); });
    pool_.reset(pool);
  }

  // What the pool tells of itself: which workers it has, their state, routines and load, and which were turned away,
  // and why.
  PoolStatus status() const {
    detail::Encoded status;
    detail::checked([&](wool_error_t** error) { return wool_pool_status(get(), status.bytes(), error); });
    return detail::decoded(status.payload()).as<PoolStatus>();
  }

  // Calls a routine with these arguments and waits for its result: an R, a Value, or void, which drops it. A
  // wool::Named holds arguments by name; wool::Arguments, given alone, are all of them.
  //
  // Throws what the call ended with: wool::Error, for a routine's own failure a wool::TaskError, or the class that it is
  // here (see Runtime::error); WOOL_ERR_CODEC for a result that is no R.
  template <class R = Value, class... A>
  R call(std::string_view routine, A&&... arguments) {
    return call<R>(CallOptions{}, routine, std::forward<A>(arguments)...);
  }

  template <class R = Value, class... A>
  R call(const CallOptions& options, std::string_view routine, A&&... arguments) {
    return detail::Caller::call<R>(get(), errors_, options, routine, std::forward<A>(arguments)...);
  }

  // Opens a stream; nothing runs before its first item is asked for. Throws WOOL_ERR_CLOSED,
  // WOOL_ERR_PAYLOAD_TOO_LARGE; whatever else fails, the stream tells.
  template <class T = Value, class... A>
  Stream<T> stream(std::string_view routine, A&&... arguments) {
    return stream<T>(CallOptions{}, routine, std::forward<A>(arguments)...);
  }

  template <class T = Value, class... A>
  Stream<T> stream(const CallOptions& options, std::string_view routine, A&&... arguments) {
    return detail::Caller::stream<T>(get(), errors_, options, routine, std::forward<A>(arguments)...);
  }

  // Calls a routine once for each of the inputs, so many at a time, and gives the outcomes: an R, a Value, or void, which
  // drops it. An input is the only argument of its call, unless it is a wool::Arguments. The inputs are any range; they are
  // taken when they can be called, and one that is given as an lvalue has to outlive the map.
  //
  // Throws WOOL_ERR_CLOSED; whatever else fails, the outcomes tell.
  template <class R = Value, class Inputs>
  Mapping<R> map(std::string_view routine, Inputs&& inputs, const MapOptions& options = {}) {
    return Mapping<R>(get(), errors_, routine, detail::source(std::forward<Inputs>(inputs)), options);
  }

  // Calls a routine once on every worker that, at this moment, is connected, not draining and serves it, and gives what they
  // answer, as it comes.
  //
  // Throws WOOL_ERR_NO_WORKERS_AVAILABLE when no worker takes calls, WOOL_ERR_ROUTINE_NOT_FOUND when none of those that do
  // serves it, WOOL_ERR_INVALID_ARGUMENT for options with a `worker`, WOOL_ERR_CLOSED.
  template <class R = Value, class... A>
  Broadcast<R> broadcast(std::string_view routine, A&&... arguments) {
    return broadcast<R>(CallOptions{}, routine, std::forward<A>(arguments)...);
  }

  template <class R = Value, class... A>
  Broadcast<R> broadcast(const CallOptions& options, std::string_view routine, A&&... arguments) {
    return Broadcast<R>(get(), errors_, options, routine, detail::Caller::encode(std::forward<A>(arguments)...));
  }

  // What is pending ends as WOOL_ERR_CLOSED, what is called from now on is refused so, and the workers that the pool
  // started are stopped. It may be called again.
  //
  // Throws WOOL_ERR_TIMEOUT: closing goes on and can be waited for again. WOOL_ERR_INVALID_ARGUMENT in a routine.
  void close(milliseconds timeout = forever) {
    detail::checked([&](wool_error_t** error) { return wool_pool_close(get(), timeout.count(), error); });
  }

  // For what only wool.h offers. It stays this object's.
  wool_pool_t* get() const noexcept { return pool_.get(); }

 private:
  // Negative is none there; more than it can say is more than a pool may start.
  static std::int32_t spawn(std::optional<std::uint32_t> count) noexcept {
    if (!count) return 0;
    if (*count == 0) return -1;
    return *count > INT32_MAX ? INT32_MAX : static_cast<std::int32_t>(*count);
  }

  friend class Task;

  WorkerPool(detail::PoolHandle pool, detail::SharedErrors errors) : errors_(std::move(errors)), pool_(std::move(pool)) {}

  detail::SharedErrors errors_;
  detail::PoolHandle pool_;
};

inline WorkerPool Task::pool() const { return WorkerPool(lent_pool(), errors_); }

}  // namespace wool

#endif
