// How calls are made: part of wool.hpp.
#ifndef WOOL_CALL_HPP
#define WOOL_CALL_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "context.hpp"
#include "encoding.hpp"
#include "options.hpp"
#include "stream.hpp"

namespace wool {

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
  // A context that the call takes along, and that takes up what the callee changes in it, before the outcome or item is
  // there. `context` lies on top of it, for this call alone. Nothing = the parent's, if there is one.
  std::optional<Context> bag = std::nullopt;
  // The uid of the only worker that may have the call (Worker::uid, WorkerStatus::uid). One that is not of the pool, or
  // drains, is WOOL_ERR_NO_WORKERS_AVAILABLE; a busy one is waited for. Empty = the pool chooses.
  std::string worker = {};
  // The task that makes the call: Task::get(). The call carries its id, has at most its time and is cancelled with it; while
  // it is waited for, the task lends its place. 0 = none. The calls of a Task set it themselves.
  wool_task_t parent = 0;
};

namespace detail {

using PoolHandle = Handle<wool_pool_t, wool_pool_free>;

// Makes calls by a pool: one's own, or that of a task.
class Caller {
 public:
  template <class R, class... A>
  static R call(wool_pool_t* pool, const SharedErrors& errors, const CallOptions& options, std::string_view routine,
                A&&... arguments) {
    const Encoded sent = encode(std::forward<A>(arguments)...);
    const LentContext context(options.context);
    const wool_call_options_t given = lend(options, context);
    Encoded result;
    checked(errors, [&](wool_error_t** error) {
      return wool_call(pool, slice(routine), sent.payload(), &given, -1, result.bytes(), result.codec(), error);
    });
    if constexpr (!std::is_void_v<R>) return Codec<R>::decode(decoded(result.payload()));
  }

  template <class T, class... A>
  static Stream<T> stream(wool_pool_t* pool, const SharedErrors& errors, const CallOptions& options,
                          std::string_view routine, A&&... arguments) {
    const Encoded sent = encode(std::forward<A>(arguments)...);
    const LentContext context(options.context);
    const wool_call_options_t given = lend(options, context);
    wool_stream_t handle = 0;
    checked([&](wool_error_t** error) {
      return wool_stream_open(pool, slice(routine), sent.payload(), &given, nullptr, 0, &handle, error);
    });
    return Stream<T>(handle, errors);
  }

  template <class... A>
  static Encoded encode(A&&... given) {
    if constexpr (sizeof...(A) == 1 && (std::is_same_v<std::decay_t<A>, Arguments> && ...)) {
      return (encoded(given), ...);
    } else {
      Arguments arguments;
      arguments.positional.reserve(sizeof...(A));
      (add(arguments, std::forward<A>(given)), ...);
      return encoded(arguments);
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

  // Valid as long as what it was made of.
  static wool_call_options_t lend(const CallOptions& options, const LentContext& context) {
    wool_call_options_t lent = WOOL_CALL_OPTIONS_INIT;
    lent.timeout_ms = option(options.timeout, "timeout");
    lent.step_timeout_ms = option(options.step_timeout, "step_timeout");
    lent.prefetch = options.prefetch;
    lent.dispatch_timeout_ms = option(options.dispatch_timeout, "dispatch_timeout");
    lent.tag = slice(options.tag);
    lent.context = context.data();
    lent.context_count = context.size();
    lent.parent = options.parent;
    lent.bag = options.bag ? options.bag->get() : nullptr;
    lent.worker_uid = slice(options.worker);
    return lent;
  }
};

}  // namespace detail
}  // namespace wool

#endif
