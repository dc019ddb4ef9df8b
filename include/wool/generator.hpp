// Callables as routines that answer with a stream: part of wool.hpp.
#ifndef WOOL_GENERATOR_HPP
#define WOOL_GENERATOR_HPP

#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>

#include "routine.hpp"

namespace wool {

namespace detail {
template <class G>
class Generating;
}

// What a generator is resumed with: what a yield expression gives in languages that have one. A generator that wants it
// takes it as its only parameter.
//
//   return [total = 0](const wool::Received<int>& received) mutable -> std::optional<int> {
//     try {
//       total += received.get().value_or(0);
//     } catch (const Reset&) {
//       total = 0;
//     }
//     return total;
//   };
template <class V = Value>
class Received {
 public:
  // The value that the caller sent; nothing for a plain next, of which the first step is one.
  //
  // Throws what the caller threw: a class that the runtime knows, or a wool::TaskError. What the generator does not
  // catch - or does not ask for - ends the stream with that very error. Throws WOOL_ERR_CODEC for a value that is
  // no V.
  std::optional<V> get() const {
    if (thrown_ != nullptr) {
      caught_ = true;
      std::rethrow_exception(thrown_);
    }
    if (!sent_) return std::nullopt;
    return Codec<V>::decode(*sent_);
  }

 private:
  template <class G>
  friend class detail::Generating;

  Received(std::int32_t step, wool_payload_t value, std::exception_ptr thrown) : thrown_(std::move(thrown)) {
    if (step == WOOL_STEP_SEND) sent_ = detail::decoded(value);
  }
  Received(const Received&) = delete;
  Received& operator=(const Received&) = delete;

  bool is_caught() const noexcept { return thrown_ == nullptr || caught_; }
  bool is_thrown(const std::exception_ptr& exception) const noexcept { return exception == thrown_; }

  std::optional<Value> sent_;
  const std::exception_ptr thrown_;
  mutable bool caught_ = false;
};

namespace detail {

// Whether a generator's clean-up can fail.
template <class G, class = void>
inline constexpr bool closes = false;
template <class G>
inline constexpr bool closes<G, std::void_t<decltype(std::declval<G&>().close())>> = true;

// A stream's task. Whoever sets `busy` - a callback, or the cancel of an idle generator - has the generator to itself.
template <class G>
class Generating {
 public:
  Generating(wool_task_t task, SharedErrors errors) : task_(task), errors_(std::move(errors)) {}

  // Begins, busy; `make` makes the generator.
  template <class Make>
  void begin(const Make& make) noexcept {
    // A failed task is over: nothing looks at `busy` again.
    if (!make(generator_)) return;
    rest();
  }

  void step(std::int32_t step, wool_payload_t value, const wool_error_t* thrown) noexcept {
    {
      const std::lock_guard<std::mutex> guard(mutex_);
      // Being cleaned up, after a cancel, or over.
      if (busy_) return;
      busy_ = true;
    }
    if (step == WOOL_STEP_CLOSE) return close();
    begun_ = true;
    try {
      auto item = resume(step, value, thrown);
      static_assert(is_optional<decltype(item)>, "a generator returns std::optional<T>: an item, or the end");
      if (!item) return end();
      // An answer that is not taken has failed the task, which is then found to be over.
      answer(task_, Codec<std::decay_t<decltype(*item)>>::encode(std::move(*item)), wool_task_yield);
    } catch (const Uncaught&) {
      generator_.reset();
      wool_task_fail_with(task_, thrown, nullptr);
      return;
    } catch (...) {
      generator_.reset();
      fail_with_current(task_, errors_);
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
  // What the caller threw has come out of the generator again.
  struct Uncaught {};

  auto resume([[maybe_unused]] std::int32_t step, [[maybe_unused]] wool_payload_t value, const wool_error_t* thrown) {
    if constexpr (std::is_invocable_v<G&>) {
      if (thrown != nullptr) throw Uncaught();
      return (*generator_)();
    } else {
      using Taken = std::tuple_element_t<0, typename Signature<G>::Parameters>;
      const Taken received(step, value, thrown == nullptr ? nullptr : exception_of(errors_, thrown));
      try {
        auto item = (*generator_)(received);
        if (!received.is_caught()) throw Uncaught();
        return item;
      } catch (...) {
        if (thrown != nullptr && received.is_thrown(std::current_exception())) throw Uncaught();
        throw;
      }
    }
  }

  void close() noexcept {
    if constexpr (closes<G>) {
      try {
        if (begun_) generator_->close();
      } catch (...) {
        generator_.reset();
        fail_with_current(task_, errors_);
        return;
      }
    }
    end();
  }

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
  const SharedErrors errors_;
  std::mutex mutex_;
  bool busy_ = true;
  bool cancelled_ = false;
  // Of the steps, which come one at a time.
  bool begun_ = false;
  std::optional<G> generator_;
};

template <class F>
struct Streaming : Routine<F> {
  using Generator = std::decay_t<typename Signature<F>::Result>;
  using State = std::shared_ptr<Generating<Generator>>;

  static void run(void* user_data, wool_task_t task, const wool_task_info_t*, wool_payload_t arguments) noexcept {
    const auto& routine = *static_cast<const Routine<F>*>(user_data);
    try {
      auto generating = std::make_shared<Generating<Generator>>(task, routine.errors);
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

  static void step(void*, wool_task_t, void* state, std::int32_t step, wool_payload_t value,
                   const wool_error_t* thrown) noexcept {
    // NULL: beginning has failed, and the task with it.
    if (state == nullptr) return;
    const State generating = *static_cast<const State*>(state);
    generating->step(step, value, thrown);
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
