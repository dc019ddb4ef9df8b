// Pools and calls: part of wool.hpp.
#ifndef WOOL_POOL_HPP
#define WOOL_POOL_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "context.hpp"
#include "discovery.hpp"
#include "encoding.hpp"
#include "options.hpp"
#include "runtime.hpp"
#include "status.hpp"
#include "stream.hpp"

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
  // Presented to the workers at `addresses`. Empty = none. (A found worker's secret is in its record.)
  std::string secret = {};
  // May dial beyond loopback without TLS.
  bool allow_plaintext = false;
  // Largest arguments, results and items, in bytes. 0 = 256 MiB.
  std::uint64_t max_payload = 0;
};

// How a call or stream is made.
struct CallOptions {
  // The budget of time of the whole call or stream: past it, it ends as WOOL_ERR_DEADLINE_EXCEEDED here and is
  // cancelled there. 0 = none.
  milliseconds timeout{0};
  // Of a stream: the budget of each step, from asking for an item until it comes. 0 = none.
  milliseconds step_timeout{0};
  // Of a stream: how many items may be made ahead of their use. 0 makes each when it is asked for; with more, send and
  // throw_ are refused.
  std::uint32_t prefetch = 0;
  // How long to look for a worker. 0 = as the pool does.
  milliseconds dispatch_timeout{0};
  // A label, for logs and for the worker.
  std::string tag = {};
  // What rides along, for the worker's admission hook and the routine: at most 64 KiB, names and encoded values, else
  // WOOL_ERR_PAYLOAD_TOO_LARGE. Of two with one name the later counts.
  std::vector<ContextValue> context = {};
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
    const detail::Encoded sent = encode(std::forward<A>(arguments)...);
    const detail::LentContext context(options.context);
    const wool_call_options_t given = lend(options, context);
    detail::Encoded result;
    detail::checked(errors_, [&](wool_error_t** error) {
      return wool_call(get(), detail::slice(routine), sent.payload(), &given, -1, result.bytes(), result.codec(), error);
    });
    if constexpr (!std::is_void_v<R>) return Codec<R>::decode(detail::decoded(result.payload()));
  }

  // Opens a stream; nothing runs before its first item is asked for. Throws WOOL_ERR_CLOSED,
  // WOOL_ERR_PAYLOAD_TOO_LARGE; whatever else fails, the stream tells.
  template <class T = Value, class... A>
  Stream<T> stream(std::string_view routine, A&&... arguments) {
    return stream<T>(CallOptions{}, routine, std::forward<A>(arguments)...);
  }

  template <class T = Value, class... A>
  Stream<T> stream(const CallOptions& options, std::string_view routine, A&&... arguments) {
    const detail::Encoded sent = encode(std::forward<A>(arguments)...);
    const detail::LentContext context(options.context);
    const wool_call_options_t given = lend(options, context);
    wool_stream_t handle = 0;
    detail::checked([&](wool_error_t** error) {
      return wool_stream_open(get(), detail::slice(routine), sent.payload(), &given, nullptr, 0, &handle, error);
    });
    return Stream<T>(handle, errors_);
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

  template <class... A>
  static detail::Encoded encode(A&&... given) {
    if constexpr (sizeof...(A) == 1 && (std::is_same_v<std::decay_t<A>, Arguments> && ...)) {
      return (detail::encoded(given), ...);
    } else {
      Arguments arguments;
      arguments.positional.reserve(sizeof...(A));
      (add(arguments, std::forward<A>(given)), ...);
      return detail::encoded(arguments);
    }
  }

  template <class A>
  static void add(Arguments& arguments, A&& given) {
    if constexpr (std::is_same_v<std::decay_t<A>, Named>) {
      arguments.named.insert(arguments.named.end(), given.arguments.begin(), given.arguments.end());
    } else {
      arguments.positional.push_back(Codec<std::decay_t<A>>::encode(std::forward<A>(given)));
    }
  }

  static wool_call_options_t lend(const CallOptions& options, const detail::LentContext& context) {
    wool_call_options_t lent = WOOL_CALL_OPTIONS_INIT;
    lent.timeout_ms = detail::option(options.timeout, "timeout");
    lent.step_timeout_ms = detail::option(options.step_timeout, "step_timeout");
    lent.prefetch = options.prefetch;
    lent.dispatch_timeout_ms = detail::option(options.dispatch_timeout, "dispatch_timeout");
    lent.tag = detail::slice(options.tag);
    lent.context = context.data();
    lent.context_count = context.size();
    return lent;
  }

  detail::SharedErrors errors_;
  detail::Handle<wool_pool_t, wool_pool_free> pool_;
};

}  // namespace wool

#endif
