// Streams as their callers see them: part of wool.hpp.
#ifndef WOOL_STREAM_HPP
#define WOOL_STREAM_HPP

#include <cstddef>
#include <iterator>
#include <optional>
#include <utility>

#include "encoding.hpp"

namespace wool {

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

}  // namespace wool

#endif
