// Callables as routines that answer once: part of wool.hpp.
#ifndef WOOL_ROUTINE_HPP
#define WOOL_ROUTINE_HPP

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "call.hpp"
#include "failing.hpp"
#include "peers.hpp"

namespace wool {

class WorkerPool;

namespace detail {

// A UUID as text, dashed.
inline std::string dashed(const std::uint8_t (&id)[16]) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < sizeof id; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += digits[id[i] >> 4];
    text += digits[id[i] & 15];
  }
  return text;
}

inline std::array<std::uint8_t, 16> uuid(const std::uint8_t (&id)[16]) {
  std::array<std::uint8_t, 16> copy{};
  for (std::size_t i = 0; i < copy.size(); i++) copy[i] = id[i];
  return copy;
}

// Zeros are nobody's.
inline std::optional<std::array<std::uint8_t, 16>> uuid_if_any(const std::uint8_t (&id)[16]) {
  const std::array<std::uint8_t, 16> found = uuid(id);
  if (found == std::array<std::uint8_t, 16>{}) return std::nullopt;
  return found;
}

}  // namespace detail

// The task that a routine runs for. A routine that wants it takes it as its first parameter, by value. It may be kept
// and asked from any thread; once the task is over it counts as cancelled.
//
//   runtime.unary("calc.fib", [](wool::Task task, std::int64_t n) -> std::int64_t {
//     if (n < 2) return n;
//     return task.call<std::int64_t>("calc.fib", n - 1) + task.call<std::int64_t>("calc.fib", n - 2);
//   });
class Task {
 public:
  explicit Task(wool_task_t handle) : Task(handle, std::make_shared<detail::Errors>()) {}
  // Errors of these classes come from its calls as what they are.
  Task(wool_task_t handle, detail::SharedErrors errors) noexcept : handle_(handle), errors_(std::move(errors)) {}

  // Calls a routine by the pool of this task's caller, wherever that has a place for it, and waits, as WorkerPool::call
  // does. The call carries this task's id and context, has at most its time, and is cancelled with it. While it is waited
  // for, this task lends its place and its thread to others.
  //
  // Throws also WOOL_ERR_UNSUPPORTED when the caller's pool cannot be used here and the worker has none of its own
  // (WorkerOptions::pool); WOOL_ERR_INVALID_ARGUMENT when this task is over.
  template <class R = Value, class... A>
  R call(std::string_view routine, A&&... arguments) const {
    return call<R>(CallOptions{}, routine, std::forward<A>(arguments)...);
  }

  template <class R = Value, class... A>
  R call(CallOptions options, std::string_view routine, A&&... arguments) const {
    const detail::PoolHandle pool = lent_pool();
    options.parent = handle_;
    return detail::Caller::call<R>(pool.get(), errors_, options, routine, std::forward<A>(arguments)...);
  }

  // Opens a stream by the pool of this task's caller, as WorkerPool::stream does, and with this task as the parent, as
  // call does.
  template <class T = Value, class... A>
  Stream<T> stream(std::string_view routine, A&&... arguments) const {
    return stream<T>(CallOptions{}, routine, std::forward<A>(arguments)...);
  }

  template <class T = Value, class... A>
  Stream<T> stream(CallOptions options, std::string_view routine, A&&... arguments) const {
    const detail::PoolHandle pool = lent_pool();
    options.parent = handle_;
    return detail::Caller::stream<T>(pool.get(), errors_, options, routine, std::forward<A>(arguments)...);
  }

  // The pool of this task's caller, as this worker sees it, e.g. for a map: set CallOptions::parent. It is shared with other
  // tasks, so it cannot be closed. Throws as call does.
  WorkerPool pool() const;

  // The routine should stop: its caller has left, its time is up, or the worker stops.
  bool is_cancelled() const noexcept { return wool_task_is_cancelled(handle_) != 0; }
  // What is left of the task's budget of time; nothing without a deadline. Throws when the task is over.
  std::optional<std::chrono::milliseconds> remaining() const {
    const std::int64_t left = info().remaining_ms;
    if (left < 0) return std::nullopt;
    return std::chrono::milliseconds(left);
  }
  // Its UUID, as 16 bytes. Throws when the task is over.
  std::array<std::uint8_t, 16> id() const {
    return detail::uuid(info().id);
  }
  // The UUID of the task that called it; nothing if none did. Throws when the task is over.
  std::optional<std::array<std::uint8_t, 16>> caller() const { return detail::uuid_if_any(info().caller); }
  // The name under which it was called. Only while the routine runs.
  std::string routine() const { return detail::string(info().routine); }
  // As the caller labelled it: CallOptions::tag. Only while the routine runs.
  std::string tag() const { return detail::string(info().tag); }
  // The names that the caller's certificate holds, DNS names and URIs; empty without one, and over a Unix socket. Only while
  // the routine runs.
  std::vector<std::string> peer() const {
    const wool_task_info_t found = info();
    return detail::names(found.peer, found.peer_count);
  }
  // The uid of the worker that runs it, as Worker::uid tells it. Throws when the task is over.
  std::string worker() const { return detail::dashed(info().worker_uid); }
  // Its context, as it is and as it changes: what is set and unset here is in the caller's when this task's answer is.
  // Throws when the task is over.
  Context context() const {
    wool_context_t* context = nullptr;
    detail::checked([&](wool_error_t** error) { return wool_task_context(handle_, &context, error); });
    return Context(context);
  }
  // What came along with the call under this name; nothing if it has none. Only while the routine runs. Throws
  // WOOL_ERR_CODEC for what is no value.
  std::optional<Value> context(std::string_view name_space, std::string_view name) const {
    const wool_task_info_t found = info();
    return detail::find(found.context, found.context_count, name_space, name);
  }
  // For what only wool.h offers, and as CallOptions::parent.
  wool_task_t get() const noexcept { return handle_; }

 private:
  detail::PoolHandle lent_pool() const {
    wool_pool_t* pool = nullptr;
    detail::checked([&](wool_error_t** error) { return wool_task_pool(handle_, &pool, error); });
    return detail::PoolHandle(pool);
  }

  wool_task_info_t info() const {
    wool_task_info_t info = WOOL_TASK_INFO_INIT;
    detail::checked([&](wool_error_t** error) { return wool_task_info(handle_, &info, error); });
    return info;
  }

  wool_task_t handle_;
  detail::SharedErrors errors_;
};

namespace detail {

template <class F>
struct Signature : Signature<decltype(&F::operator())> {};
template <class R, class... P>
struct Signature<R (*)(P...)> {
  using Result = R;
  using Parameters = std::tuple<std::decay_t<P>...>;
};
template <class R, class... P>
struct Signature<R (*)(P...) noexcept> : Signature<R (*)(P...)> {};
template <class R, class C, class... P>
struct Signature<R (C::*)(P...)> : Signature<R (*)(P...)> {};
template <class R, class C, class... P>
struct Signature<R (C::*)(P...) const> : Signature<R (*)(P...)> {};
template <class R, class C, class... P>
struct Signature<R (C::*)(P...) noexcept> : Signature<R (*)(P...)> {};
template <class R, class C, class... P>
struct Signature<R (C::*)(P...) const noexcept> : Signature<R (*)(P...)> {};

// Arguments that do not fit: the routine has not been called. The message names the routine and the argument.
struct ArgumentError {
  std::string message;
};

// An argument for each parameter of a routine, wherever it was given.
class Bound {
 public:
  // `needed` says of each parameter whether it may not be left out.
  Bound(const std::string& routine, const std::vector<std::string>& names, const std::vector<bool>& needed,
        Arguments arguments)
      : routine_(routine), names_(names), found_(needed.size()), by_name_(needed.size()) {
    const std::size_t given = arguments.positional.size() + arguments.named.size();
    if (arguments.positional.size() > needed.size()) throw ArgumentError{expected(needed, given)};
    for (std::size_t i = 0; i < arguments.positional.size(); i++) found_[i] = std::move(arguments.positional[i]);
    for (Entry& entry : arguments.named) name(entry.key.as<std::string>(), std::move(entry.value));
    for (std::size_t i = 0; i < needed.size(); i++) {
      if (found_[i] || !needed[i]) continue;
      throw ArgumentError{expected(needed, given) + (i < names_.size() ? ": " + detail::quoted(names_[i]) + " is missing" : "")};
    }
  }

  template <class T>
  T get(std::size_t index) const {
    // Only what may be left out was.
    if constexpr (is_optional<T>) {
      if (!found_[index]) return std::nullopt;
    }
    try {
      return Codec<T>::decode(*found_[index]);
    } catch (const ValueError& error) {
      throw wrong(index, error.detail(), error.path().substr(1));
    } catch (const Error& error) {
      throw wrong(index, error.what(), {});
    }
  }

 private:
  void name(const std::string& name, Value value) {
    std::size_t i = 0;
    while (i < names_.size() && names_[i] != name) i++;
    if (i >= names_.size() || i >= found_.size()) {
      throw ArgumentError{routine_ + ": takes no argument named " + detail::quoted(name)};
    }
    if (found_[i]) throw ArgumentError{routine_ + ": the argument " + detail::quoted(name) + " is given twice"};
    found_[i] = std::move(value);
    by_name_[i] = true;
  }

  std::string expected(const std::vector<bool>& needed, std::size_t given) const {
    std::size_t least = 0;
    for (const bool one : needed) least += one ? 1 : 0;
    const std::size_t most = needed.size();
    const std::string range = least == most ? std::to_string(most) : std::to_string(least) + " to " + std::to_string(most);
    return routine_ + ": expects " + range + (most == 1 ? " argument" : " arguments") + ", got " + std::to_string(given);
  }

  ArgumentError wrong(std::size_t index, const std::string& detail, const std::string& inside) const {
    std::string which = by_name_[index] ? "" : " " + std::to_string(index + 1);
    if (index < names_.size()) which += " " + detail::quoted(names_[index]);
    const std::string place = by_name_[index] ? at_name(names_[index]) : at_index(index);
    return {routine_ + ": argument" + which + " ($" + place + inside + "): " + detail};
  }

  const std::string& routine_;
  const std::vector<std::string>& names_;
  std::vector<std::optional<Value>> found_;
  std::vector<bool> by_name_;
};

// Calls `function` with arguments of its parameters' types.
template <class... P, std::size_t... I, class F>
decltype(auto) apply(const F& function, const std::string& name, const std::vector<std::string>& names, Task task,
                     Arguments arguments, std::tuple<P...>*, std::index_sequence<I...>) {
  using First = std::tuple_element_t<0, std::tuple<P..., void>>;
  constexpr std::size_t own = std::is_same_v<First, Task> ? 1 : 0;
  if constexpr (sizeof...(P) == own + 1 && std::is_same_v<std::tuple_element_t<own, std::tuple<P..., void>>, Arguments>) {
    if constexpr (own == 1) {
      return function(task, std::move(arguments));
    } else {
      return function(std::move(arguments));
    }
  } else {
    const Bound bound(name, names, {!is_optional<std::tuple_element_t<I + own, std::tuple<P...>>>...},
                      std::move(arguments));
    // Braces: from left to right, so that the first argument that does not fit is the one that is named.
    std::tuple<std::tuple_element_t<I + own, std::tuple<P...>>...> converted{
        bound.get<std::tuple_element_t<I + own, std::tuple<P...>>>(I)...};
    if constexpr (own == 1) {
      return function(task, std::move(std::get<I>(converted))...);
    } else {
      return function(std::move(std::get<I>(converted))...);
    }
  }
}

// A callable with its name; wool's `user_data`. Shared by all tasks and called by several threads at once: so it is
// called as const.
template <class F>
struct Routine {
  using Parameters = typename Signature<F>::Parameters;
  static constexpr bool takes_task =
      std::is_same_v<std::tuple_element_t<0, decltype(std::tuple_cat(std::declval<Parameters>(),
                                                                     std::declval<std::tuple<int>>()))>,
                     Task>;
  static constexpr std::size_t arity = std::tuple_size_v<Parameters> - (takes_task ? 1 : 0);

  std::string name;
  std::vector<std::string> parameters;
  SharedErrors errors;
  F function;

  decltype(auto) call(wool_task_t task, wool_payload_t arguments) const {
    return apply(function, name, parameters, Task(task, errors), decoded_arguments(arguments),
                 static_cast<Parameters*>(nullptr), std::make_index_sequence<arity>());
  }

  // Fails the task with the exception that is being handled.
  void fail_with_current(wool_task_t task) const noexcept {
    try {
      throw;
    } catch (const ArgumentError& error) {
      fail(task, WOOL_ERR_TASK_FAILED, "ArgumentError", error.message);
    } catch (...) {
      detail::fail_with_current(task, errors);
    }
  }

  static void destroy(void* user_data) { delete static_cast<Routine*>(user_data); }
};

template <class F>
struct Unary : Routine<F> {
  static void run(void* user_data, wool_task_t task, const wool_task_info_t*, wool_payload_t arguments) noexcept {
    const auto& routine = *static_cast<const Routine<F>*>(user_data);
    try {
      using Result = typename Signature<F>::Result;
      Value result;
      if constexpr (std::is_void_v<Result>) {
        routine.call(task, arguments);
      } else {
        auto returned = routine.call(task, arguments);
        try {
          result = Codec<std::decay_t<Result>>::encode(std::move(returned));
        } catch (const Error& error) {
          fail(task, error.status(), "wool::Error", error.what());
          return;
        }
      }
      answer(task, result, wool_task_return);
    } catch (...) {
      routine.fail_with_current(task);
    }
  }
};

}  // namespace detail
}  // namespace wool

#endif
