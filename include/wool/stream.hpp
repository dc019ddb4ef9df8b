// Streams as their callers see them: part of wool.hpp.
#ifndef WOOL_STREAM_HPP
#define WOOL_STREAM_HPP

#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "failing.hpp"
#include "iterator.hpp"

namespace wool {

namespace detail {
class Caller;
}

// A stream as its caller sees it: items are made when they are asked for. Leaving one before its end, by destroying
// it, cancels it: its clean-up runs at the worker, unwatched.
//
//   auto numbers = pool.stream<int>("calc.countdown", 3);
//   while (std::optional<int> n = numbers.next()) std::cout << *n << '\n';
//
// It is a generator: send and throw_ resume it with a value and with an exception, as next does with nothing.
template <class T = Value>
class Stream {
 public:
  // Takes over a stream without a queue, as wool_stream_open gives it.
  explicit Stream(wool_stream_t handle) : Stream(handle, std::make_shared<detail::Errors>()) {}
  Stream(Stream&& other) noexcept
      : handle_(std::exchange(other.handle_, 0)),
        over_(std::exchange(other.over_, true)),
        errors_(std::move(other.errors_)) {}
  Stream& operator=(Stream&& other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(over_, other.over_);
    std::swap(errors_, other.errors_);
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

  // Resumes the generator with a value, of a type that has a Codec, and waits for its next item, as next does.
  //
  // Throws WOOL_ERR_INVALID_ARGUMENT, and the stream can go on, before the first item was asked for and on a stream
  // with a prefetch; WOOL_ERR_CODEC for a value that cannot be encoded; else as next.
  template <class V>
  std::optional<T> send(V&& value) {
    if (over_) return std::nullopt;
    const detail::Encoded sent = detail::encoded(Codec<std::decay_t<V>>::encode(std::forward<V>(value)));
    detail::checked([&](wool_error_t** error) { return wool_stream_send(handle_, sent.payload(), error); });
    return next();
  }

  // Raises an exception where the generator is, and waits for its next item, as next does. It travels as one that a
  // routine throws. One that the generator does not catch ends the stream, and comes back. Before the first item was
  // asked for, the generator never begins.
  //
  // Throws WOOL_ERR_INVALID_ARGUMENT, and the stream can go on, on a stream with a prefetch; else as next.
  template <class E>
  std::optional<T> throw_(const E& exception) {
    return throw_(std::make_exception_ptr(exception));
  }
  std::optional<T> throw_(const std::exception_ptr& exception) {
    if (exception == nullptr) throw Error(WOOL_ERR_INVALID_ARGUMENT, "the exception is nullptr: there is nothing to throw");
    if (over_) return std::nullopt;
    const detail::Fault fault = detail::fault_of(exception, errors_);
    const detail::LentFault lent(fault);
    detail::checked([&](wool_error_t** error) { return wool_stream_throw(handle_, &lent.get(), error); });
    return next();
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
  using Iterator = detail::Iterator<Stream, T>;
  Iterator begin() { return Iterator(*this); }
  Iterator end() noexcept { return Iterator(); }

 private:
  friend class detail::Caller;

  Stream(wool_stream_t handle, detail::SharedErrors errors) noexcept : handle_(handle), errors_(std::move(errors)) {}

  // Whether there was one.
  bool pull(detail::Encoded& item) {
    if (over_) return false;
    try {
      const Status status = detail::checked(errors_, [&](wool_error_t** error) {
        return wool_stream_wait(handle_, -1, item.bytes(), item.codec(), error);
      });
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
  detail::SharedErrors errors_;
};

}  // namespace wool

#endif
