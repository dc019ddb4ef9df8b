// Callables as routines: part of wool.hpp.
#ifndef WOOL_ROUTINE_HPP
#define WOOL_ROUTINE_HPP

#include <array>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>

#include "fault.hpp"

namespace wool {

// The task that a routine runs for. A routine that wants it takes it as its first parameter, by value. It may be kept
// and asked from any thread; once the task is over it counts as cancelled.
class Task {
 public:
  explicit Task(wool_task_t handle) noexcept : handle_(handle) {}

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
    const wool_task_info_t found = info();
    std::array<std::uint8_t, 16> id{};
    for (std::size_t i = 0; i < id.size(); i++) id[i] = found.id[i];
    return id;
  }

 private:
  wool_task_info_t info() const {
    wool_task_info_t info = WOOL_TASK_INFO_INIT;
    detail::checked([&](wool_error_t** error) { return wool_task_info(handle_, &info, error); });
    return info;
  }

  wool_task_t handle_;
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

// Arguments that do not fit: the routine has not been called.
struct ArgumentError {
  std::string message;
};

template <class T>
T argument(const List& found, std::size_t index) {
  try {
    return Codec<T>::decode(found[index]);
  } catch (const Error& error) {
    throw ArgumentError{"argument " + std::to_string(index + 1) + ": " + error.what()};
  }
}

// Calls `function` with arguments of its parameters' types.
template <class... P, std::size_t... I, class F>
decltype(auto) apply(const F& function, Task task, Arguments arguments, std::tuple<P...>*, std::index_sequence<I...>) {
  using First = std::tuple_element_t<0, std::tuple<P..., void>>;
  constexpr std::size_t own = std::is_same_v<First, Task> ? 1 : 0;
  if constexpr (sizeof...(P) == own + 1 && std::is_same_v<std::tuple_element_t<own, std::tuple<P..., void>>, Arguments>) {
    if constexpr (own == 1) {
      return function(task, std::move(arguments));
    } else {
      return function(std::move(arguments));
    }
  } else {
    if (!arguments.named.empty()) {
      throw ArgumentError{"named arguments are not taken, found " + std::to_string(arguments.named.size())};
    }
    const List& found = arguments.positional;
    if (found.size() != sizeof...(P) - own) {
      throw ArgumentError{"expected " + std::to_string(sizeof...(P) - own) + " arguments, found " +
                          std::to_string(found.size())};
    }
    // Braces: from left to right, so that the first argument that does not fit is the one that is named.
    if constexpr (own == 1) {
      std::tuple<std::tuple_element_t<I + 1, std::tuple<P...>>...> converted{
          argument<std::tuple_element_t<I + 1, std::tuple<P...>>>(found, I)...};
      return function(task, std::move(std::get<I>(converted))...);
    } else {
      std::tuple<P...> converted{argument<P>(found, I)...};
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
  F function;

  decltype(auto) call(wool_task_t task, wool_payload_t arguments) const {
    return apply(function, Task(task), decoded_arguments(arguments), static_cast<Parameters*>(nullptr),
                 std::make_index_sequence<arity>());
  }

  // Fails the task with the exception that is being handled.
  void fail_with_current(wool_task_t task) const noexcept {
    try {
      throw;
    } catch (const ArgumentError& error) {
      try {
        fail(task, WOOL_ERR_TASK_FAILED, "wool::ArgumentError", name + ": " + error.message);
      } catch (...) {
        fail(task, WOOL_ERR_TASK_FAILED, "wool::ArgumentError", error.message);
      }
    } catch (...) {
      detail::fail_with_current(task);
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

template <class Item>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

// A stream's task. Whoever sets `busy` - a callback, or the cancel of an idle generator - has the generator to itself.
template <class G>
class Generating {
 public:
  explicit Generating(wool_task_t task) : task_(task) {}

  // Begins, busy; `make` makes the generator.
  template <class Make>
  void begin(const Make& make) noexcept {
    // A failed task is over: nothing looks at `busy` again.
    if (!make(generator_)) return;
    rest();
  }

  void step(std::int32_t step) noexcept {
    {
      const std::lock_guard<std::mutex> guard(mutex_);
      // Being cleaned up, after a cancel, or over.
      if (busy_) return;
      busy_ = true;
    }
    if (step != WOOL_STEP_NEXT) return end();
    try {
      auto item = (*generator_)();
      static_assert(IsOptional<decltype(item)>::value, "a generator returns std::optional<T>: an item, or the end");
      if (!item) return end();
      // An answer that is not taken has failed the task, which is then found to be over.
      answer(task_, Codec<std::decay_t<decltype(*item)>>::encode(std::move(*item)), wool_task_yield);
    } catch (...) {
      generator_.reset();
      fail_with_current(task_);
      return;
    }
    rest();
  }

  // On a thread that must not be held up. `self` keeps this alive.
  static void cancel(const std::shared_ptr<Generating>& self) noexcept {
    {
      const std::lock_guard<std::mutex> guard(self->mutex_);
      if (std::exchange(self->busy_, true)) {
        // Whoever has it looks once more before resting.
        self->cancelled_ = true;
        return;
      }
    }
    try {
      // Clean-up may block. The task is answered last, so closing the runtime waits for this thread's work.
      std::thread([self] { self->stop(); }).detach();
    } catch (...) {
      self->stop();
    }
  }

 private:
  void rest() noexcept {
    {
      const std::lock_guard<std::mutex> guard(mutex_);
      // A cancel may have come before there was a state to tell it to.
      if (!cancelled_ && wool_task_is_cancelled(task_) == 0) {
        busy_ = false;
        return;
      }
    }
    stop();
  }

  void end() noexcept {
    generator_.reset();
    wool_task_end(task_, nullptr);
  }

  void stop() noexcept {
    generator_.reset();
    fail(task_, WOOL_ERR_CANCELLED, {}, "the task was cancelled");
  }

  const wool_task_t task_;
  std::mutex mutex_;
  bool busy_ = true;
  bool cancelled_ = false;
  std::optional<G> generator_;
};

template <class F>
struct Streaming : Routine<F> {
  using Generator = std::decay_t<typename Signature<F>::Result>;
  using State = std::shared_ptr<Generating<Generator>>;

  static void run(void* user_data, wool_task_t task, const wool_task_info_t*, wool_payload_t arguments) noexcept {
    const auto& routine = *static_cast<const Routine<F>*>(user_data);
    try {
      auto generating = std::make_shared<Generating<Generator>>(task);
      auto state = std::make_unique<State>(generating);
      // Refused only for a stale task, and freed by wool in any case.
      if (wool_task_set_state(task, state.release(), destroy_state, nullptr) != WOOL_OK) return;
      generating->begin([&](std::optional<Generator>& generator) {
        try {
          generator.emplace(routine.call(task, arguments));
          return true;
        } catch (...) {
          routine.fail_with_current(task);
          return false;
        }
      });
    } catch (...) {
      routine.fail_with_current(task);
    }
  }

  static void step(void*, wool_task_t, void* state, std::int32_t step) noexcept {
    // NULL: beginning has failed, and the task with it.
    if (state == nullptr) return;
    const State generating = *static_cast<const State*>(state);
    generating->step(step);
  }

  static void cancel(void*, wool_task_t, void* state) noexcept {
    // NULL: not begun yet. Beginning will see it.
    if (state == nullptr) return;
    Generating<Generator>::cancel(*static_cast<const State*>(state));
  }

  static void destroy_state(void* state) { delete static_cast<State*>(state); }
};

}  // namespace detail
}  // namespace wool

#endif
