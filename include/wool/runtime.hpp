// The runtime and its routines: part of wool.hpp.
#ifndef WOOL_RUNTIME_HPP
#define WOOL_RUNTIME_HPP

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "generator.hpp"
#include "options.hpp"

namespace wool {

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

struct RoutineOptions {
  // What it does, for people who list routines.
  std::string doc = {};
  // Names of the positional parameters, by which callers may pass them, and for people who list routines.
  std::vector<std::string> parameters = {};
  // It runs on the I/O thread, with no change of threads, which is most of what a small call costs. It must not block there:
  // calls that wait throw WOOL_ERR_INVALID_ARGUMENT, and while it computes, all sessions of the runtime wait.
  bool on_io_thread = false;
};

namespace detail {

using Log = decltype(RuntimeOptions::log);

inline void log(void* user_data, std::int32_t level, wool_slice_t target, wool_slice_t message) noexcept {
  try {
    (*static_cast<Log*>(user_data))(static_cast<LogLevel>(level), view(target), view(message));
  } catch (...) {
    // There is nowhere to tell it.
  }
}

inline void destroy_log(void* user_data) noexcept { delete static_cast<Log*>(user_data); }

using RuntimeHandle = Handle<wool_runtime_t, wool_runtime_free>;

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
      errors_ = std::move(other.errors_);
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
  // came. It is called as const, by several threads at once (RoutineOptions::on_io_thread: by one), and destroyed once the
  // runtime has closed.
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
  // end, an exception, the caller's close or cancel. A generator whose clean-up may fail has a close(), which is called
  // when the caller closes one that has begun, before the destruction: what it throws, the caller's close throws.
  //
  // A generator that takes a `const wool::Received<V>&` gets what the caller sends and throws; for others a value that
  // is sent is no more than a next, and what is thrown ends the stream.
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

  // Makes an exception class known, whose name and data wool::ErrorTraits<E> tell. Thrown from a routine, or into one, it
  // travels under its name with its data. What comes under its name, whatever the other side's language, is thrown as
  // an E: from calls and streams of this runtime's pools, and at the yields of its generators. An E that is no
  // wool::Error nests the wool::TaskError that it came as. An exception that is of several known classes travels as
  // the one that was registered last.
  //
  // Throws WOOL_ERR_ALREADY_EXISTS.
  template <class E>
  void error() {
    errors_->template add<E>();
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
    given.on_io_thread = options.on_io_thread;
    // wool's from here on, also when this fails.
    given.user_data = new detail::Routine<F>{std::string(name), options.parameters, errors_, std::move(function)};
    given.destroy = detail::Routine<F>::destroy;
    detail::checked([&](wool_error_t** error) { return wool_routine_register(get(), &given, error); });
  }

  void wait() noexcept {
    if (runtime_) wool_runtime_close(get(), -1, nullptr);
  }

  friend class WorkerPool;

  detail::RuntimeHandle runtime_;
  detail::SharedErrors errors_ = std::make_shared<detail::Errors>();
};

}  // namespace wool

#endif
