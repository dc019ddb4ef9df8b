// libwool for C++17: wool.h with types, exceptions and RAII. Header-only; link with -lwool.
//
//   wool::Runtime runtime;
//   runtime.unary("calc.add", [](std::int64_t a, std::int64_t b) { return a + b; });
//   runtime.stream("calc.countdown", [](std::int64_t from) {
//     return [n = from]() mutable { return n > 0 ? std::optional(n--) : std::nullopt; };
//   });
//   wool::Worker worker(runtime);
//
//   wool::WorkerPool pool(runtime, {{worker.address()}});
//   auto sum = pool.call<std::int64_t>("calc.add", 1, 2);
//   for (std::int64_t n : pool.stream<std::int64_t>("calc.countdown", 3)) std::cout << n << '\n';
//
// Ownership. Runtime, Worker, WorkerPool and Stream are moved, not copied; one that was moved from can only be
// assigned to or destroyed. Whatever is given is copied or moved in; whatever is returned belongs to the caller.
// Destroying a worker, a pool or a stream lets go of it and never waits; destroying a runtime closes it and waits.
//
// Threads. Runtimes, workers and pools may be used from any thread. A stream is for one thread at a time, but cancel
// is for any. Routines run on wool's threads, several at once, and may block and call wool.
//
// Exceptions. Every failure throws wool::Error, unless a function says otherwise. Whatever a routine throws fails its
// task and nothing else: the caller gets the exception's type, what() and nested exceptions. No exception crosses
// into the library. Destructors of what a routine captures must not throw, as ever.
#ifndef WOOL_HPP
#define WOOL_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wool/encoding.hpp"
#include "wool/error.hpp"
#include "wool/routine.hpp"
#include "wool/value.hpp"

namespace wool {

using std::chrono::milliseconds;

// As a time to wait: for ever.
inline constexpr milliseconds forever{-1};

enum class LogLevel : std::int32_t { none = 0, error = 1, warning = 2, info = 3, debug = 4 };

// How a runtime is set up.
struct RuntimeOptions {
  // Threads on which routines run. 0 = one per core.
  std::uint32_t routine_threads = 0;
  // The most detailed level that `log` wants.
  LogLevel log_level = LogLevel::none;
  // Takes the library's messages, which go nowhere else. On any of wool's threads, several at once; it must not block
  // and must call nothing of wool. What it throws is dropped.
  std::function<void(LogLevel level, std::string_view target, std::string_view message)> log = nullptr;
};

// What people who list routines are told.
struct RoutineOptions {
  // What it does.
  std::string doc = {};
  // Names of the positional parameters, by which callers may pass them.
  std::vector<std::string> parameters = {};
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
};

// How a pool is set up.
struct PoolOptions {
  // The workers: "host:port" or "unix:/path".
  std::vector<std::string> addresses = {};
  // How long a call looks for a worker that takes it. 0 = 60 s.
  milliseconds dispatch_timeout{0};
  // Presented to the workers. Empty = none.
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
  // How long to look for a worker. 0 = as the pool does.
  milliseconds dispatch_timeout{0};
  // A label, for logs and for the worker.
  std::string tag = {};
};

namespace detail {

inline std::vector<wool_slice_t> slices(const std::vector<std::string>& texts) {
  std::vector<wool_slice_t> slices;
  slices.reserve(texts.size());
  for (const std::string& text : texts) slices.push_back(slice(text));
  return slices;
}

// A span as an option, where a negative one would become a very long one.
inline std::uint64_t option(milliseconds span, const char* name) {
  if (span.count() < 0) throw Error(WOOL_ERR_INVALID_ARGUMENT, std::string(name) + " is negative; 0 is the default");
  return static_cast<std::uint64_t>(span.count());
}

using Log = decltype(RuntimeOptions::log);

inline void log(void* user_data, std::int32_t level, wool_slice_t target, wool_slice_t message) noexcept {
  const auto view = [](wool_slice_t text) {
    return text.len == 0 ? std::string_view() : std::string_view(reinterpret_cast<const char*>(text.ptr), text.len);
  };
  try {
    (*static_cast<Log*>(user_data))(static_cast<LogLevel>(level), view(target), view(message));
  } catch (...) {
    // There is nowhere to tell it.
  }
}

inline void destroy_log(void* user_data) noexcept { delete static_cast<Log*>(user_data); }

using RuntimeHandle = Handle<wool_runtime_t, wool_runtime_free>;
using WorkerHandle = Handle<wool_worker_t, wool_worker_free>;
using PoolHandle = Handle<wool_pool_t, wool_pool_free>;

}  // namespace detail

// Owns the threads and the routines. Workers and pools are made with it; they may be destroyed before or after it.
class Runtime {
 public:
  // Throws WOOL_ERR_IO when the system gives no threads.
  explicit Runtime(RuntimeOptions options = {}) {
    wool_runtime_options_t given = WOOL_RUNTIME_OPTIONS_INIT;
    given.routine_threads = options.routine_threads;
    given.language = detail::slice("cpp");
    if (options.log) {
      given.log_level = static_cast<std::int32_t>(options.log_level);
      given.log = detail::log;
      // wool's from here on, also when this fails.
      given.log_user_data = new detail::Log(std::move(options.log));
      given.log_destroy = detail::destroy_log;
    }
    wool_runtime_t* runtime = nullptr;
    detail::checked([&](wool_error_t** error) { return wool_runtime_new(&given, &runtime, error); });
    runtime_.reset(runtime);
  }

  Runtime(Runtime&&) noexcept = default;
  Runtime& operator=(Runtime&& other) noexcept {
    if (this != &other) {
      wait();
      runtime_ = std::move(other.runtime_);
    }
    return *this;
  }

  // Closes, and waits for the routines that still run, without a time limit: what they refer to may go away next.
  // Close with one before, or detach, where that is no way out. In a routine, which cannot wait for itself, it
  // detaches.
  ~Runtime() { wait(); }

  // Registers a function, lambda or other callable as a routine that answers once. Its parameters and its result are
  // of types with a Codec, the result may be void; arguments are converted, and what does not fit fails the call
  // before the callable runs. A first parameter wool::Task gets the task; a wool::Arguments gets all arguments as they
  // came. It is called as const, by several threads at once, and destroyed once the runtime has closed.
  //
  // Throws WOOL_ERR_ALREADY_EXISTS, WOOL_ERR_CLOSED.
  template <class F>
  void unary(std::string_view name, F function, const RoutineOptions& options = {}) {
    wool_routine_options_t given = WOOL_ROUTINE_OPTIONS_INIT;
    given.kind = WOOL_ROUTINE_UNARY;
    given.run = detail::Unary<F>::run;
    add(name, std::move(function), options, given);
  }

  // Registers a routine that answers with a stream. Called with a task's arguments, as of a unary routine, it returns
  // the generator: any callable that returns std::optional<T>, the next item or the end. The generator runs only when
  // an item is asked for, one step at a time, though on changing threads. Its destruction is the clean-up: after the
  // end, an exception, the caller's close or cancel.
  //
  // Throws WOOL_ERR_ALREADY_EXISTS, WOOL_ERR_CLOSED.
  template <class F>
  void stream(std::string_view name, F function, const RoutineOptions& options = {}) {
    wool_routine_options_t given = WOOL_ROUTINE_OPTIONS_INIT;
    given.kind = WOOL_ROUTINE_STREAM;
    given.run = detail::Streaming<F>::run;
    given.step = detail::Streaming<F>::step;
    given.cancel = detail::Streaming<F>::cancel;
    add(name, std::move(function), options, given);
  }

  // Closes pools, whose calls end as WOOL_ERR_CLOSED, then workers, whose tasks are cancelled and waited for. It may be
  // called again, from any thread.
  //
  // Throws WOOL_ERR_TIMEOUT: closing goes on and can be waited for again. WOOL_ERR_INVALID_ARGUMENT in a routine.
  void close(milliseconds timeout = forever) {
    detail::checked([&](wool_error_t** error) { return wool_runtime_close(get(), timeout.count(), error); });
  }

  // Lets go without waiting: it closes in the background. What routines refer to must then outlive them.
  void detach() noexcept { runtime_.reset(); }

  // For what only wool.h offers. It stays this object's.
  wool_runtime_t* get() const noexcept { return runtime_.get(); }

 private:
  template <class F>
  void add(std::string_view name, F function, const RoutineOptions& options, wool_routine_options_t& given) {
    const std::vector<wool_slice_t> parameters = detail::slices(options.parameters);
    given.name = detail::slice(name);
    given.doc = detail::slice(options.doc);
    given.parameters = parameters.data();
    given.parameter_count = parameters.size();
    // wool's from here on, also when this fails.
    given.user_data = new detail::Routine<F>{std::string(name), options.parameters, std::move(function)};
    given.destroy = detail::Routine<F>::destroy;
    detail::checked([&](wool_error_t** error) { return wool_routine_register(get(), &given, error); });
  }

  void wait() noexcept {
    if (runtime_) wool_runtime_close(get(), -1, nullptr);
  }

  detail::RuntimeHandle runtime_;
};

// Serves a runtime's routines, in this process. Destroying one that is not stopped stops it in the background, without
// grace.
class Worker {
 public:
  // Binds and serves: callers can connect now. Routines may be registered before and after.
  //
  // Throws WOOL_ERR_PERMISSION_DENIED for an address beyond loopback without `allow_plaintext`, WOOL_ERR_IO when the
  // address cannot be bound, WOOL_ERR_CLOSED.
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
  detail::WorkerHandle worker_;
};

// A stream as its caller sees it: items are made when they are asked for. Leaving one before its end, by destroying
// it, cancels it: its clean-up runs at the worker, unwatched.
//
//   auto numbers = pool.stream<int>("calc.countdown", 3);
//   while (std::optional<int> n = numbers.next()) std::cout << *n << '\n';
template <class T = Value>
class Stream {
 public:
  // Takes over a stream without a queue, as wool_stream_open gives it.
  explicit Stream(wool_stream_t handle) noexcept : handle_(handle) {}
  Stream(Stream&& other) noexcept : handle_(std::exchange(other.handle_, 0)), over_(std::exchange(other.over_, true)) {}
  Stream& operator=(Stream&& other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(over_, other.over_);
    return *this;
  }
  ~Stream() {
    if (!over_) cancel();
  }

  // Asks for the next item and waits for it; nothing at the end, and from then on. Waiting is bounded by
  // CallOptions::timeout, and ended by cancel.
  //
  // Throws what the stream ended with; WOOL_ERR_CODEC for an item that is no T, and then the stream can go on.
  std::optional<T> next() {
    detail::Encoded item;
    if (!pull(item)) return std::nullopt;
    return Codec<T>::decode(detail::decoded(item.payload()));
  }

  // Ends the generator where it is, and waits until its clean-up has run; items that were under way are dropped. Does
  // nothing at the end. Throws what the clean-up failed with.
  void close() {
    if (over_) return;
    detail::checked([&](wool_error_t** error) { return wool_stream_close(handle_, error); });
    for (bool more = true; more;) {
      detail::Encoded dropped;
      more = pull(dropped);
    }
  }

  // Ends the stream at once, also under a next that waits in another thread. Never waits; harmless at the end.
  void cancel() noexcept { wool_stream_cancel(handle_); }

  // The items, once: each increment pulls one and throws as next does.
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = T*;
    using reference = T&;

    // The end.
    Iterator() = default;
    explicit Iterator(Stream& stream) : stream_(&stream), item_(stream.next()) {}

    T& operator*() noexcept { return *item_; }
    T* operator->() noexcept { return &*item_; }
    Iterator& operator++() {
      item_ = stream_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    // Only whether both are at the end is of interest.
    friend bool operator==(const Iterator& a, const Iterator& b) noexcept {
      return a.item_.has_value() == b.item_.has_value();
    }
    friend bool operator!=(const Iterator& a, const Iterator& b) noexcept { return !(a == b); }

   private:
    Stream* stream_ = nullptr;
    std::optional<T> item_;
  };

  Iterator begin() { return Iterator(*this); }
  Iterator end() noexcept { return Iterator(); }

 private:
  // Whether there was one.
  bool pull(detail::Encoded& item) {
    if (over_) return false;
    try {
      const Status status = detail::checked(
          [&](wool_error_t** error) { return wool_stream_wait(handle_, -1, item.bytes(), item.codec(), error); });
      over_ = status == WOOL_END;
      return !over_;
    } catch (...) {
      // Cancelling what has ended is harmless; a wait that was refused leaves a stream behind that it ends.
      over_ = true;
      cancel();
      throw;
    }
  }

  wool_stream_t handle_ = 0;
  bool over_ = false;
};

// The caller's view of a set of workers. Destroying one that is not closed closes it in the background.
class WorkerPool {
 public:
  // It connects in the background, and goes on trying: a worker may come later, or come back.
  //
  // Throws WOOL_ERR_PERMISSION_DENIED for an address beyond loopback without `allow_plaintext`, WOOL_ERR_CLOSED.
  WorkerPool(const Runtime& runtime, const PoolOptions& options) {
    const std::vector<wool_slice_t> addresses = detail::slices(options.addresses);
    wool_pool_options_t given = WOOL_POOL_OPTIONS_INIT;
    given.addresses = addresses.data();
    given.address_count = addresses.size();
    given.dispatch_timeout_ms = detail::option(options.dispatch_timeout, "dispatch_timeout");
    given.secret = detail::slice(options.secret);
    given.allow_plaintext = options.allow_plaintext ? 1 : 0;
    given.max_payload = options.max_payload;
    wool_pool_t* pool = nullptr;
    detail::checked([&](wool_error_t** error) { return wool_pool_new(runtime.get(), &given, &pool, error); });
    pool_.reset(pool);
  }

  // Calls a routine with these arguments and waits for its result: an R, a Value, or void, which drops it. A
  // wool::Named holds arguments by name; wool::Arguments, given alone, are all of them.
  //
  // Throws what the call ended with; WOOL_ERR_CODEC for a result that is no R.
  template <class R = Value, class... A>
  R call(std::string_view routine, A&&... arguments) {
    return call<R>(CallOptions{}, routine, std::forward<A>(arguments)...);
  }

  template <class R = Value, class... A>
  R call(const CallOptions& options, std::string_view routine, A&&... arguments) {
    const detail::Encoded sent = encode(std::forward<A>(arguments)...);
    const wool_call_options_t given = lend(options);
    detail::Encoded result;
    detail::checked([&](wool_error_t** error) {
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
    const wool_call_options_t given = lend(options);
    wool_stream_t handle = 0;
    detail::checked([&](wool_error_t** error) {
      return wool_stream_open(get(), detail::slice(routine), sent.payload(), &given, nullptr, 0, &handle, error);
    });
    return Stream<T>(handle);
  }

  // What is pending ends as WOOL_ERR_CLOSED, and what is called from now on is refused so. It may be called again.
  //
  // Throws WOOL_ERR_TIMEOUT: closing goes on and can be waited for again. WOOL_ERR_INVALID_ARGUMENT in a routine.
  void close(milliseconds timeout = forever) {
    detail::checked([&](wool_error_t** error) { return wool_pool_close(get(), timeout.count(), error); });
  }

  // For what only wool.h offers. It stays this object's.
  wool_pool_t* get() const noexcept { return pool_.get(); }

 private:
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

  static wool_call_options_t lend(const CallOptions& options) {
    wool_call_options_t lent = WOOL_CALL_OPTIONS_INIT;
    lent.timeout_ms = detail::option(options.timeout, "timeout");
    lent.dispatch_timeout_ms = detail::option(options.dispatch_timeout, "dispatch_timeout");
    lent.tag = detail::slice(options.tag);
    return lent;
  }

  detail::PoolHandle pool_;
};

}  // namespace wool

#endif
