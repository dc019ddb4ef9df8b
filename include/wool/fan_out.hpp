// Many calls at once: part of wool.hpp.
#ifndef WOOL_FAN_OUT_HPP
#define WOOL_FAN_OUT_HPP

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "call.hpp"

namespace wool {

// How one of many calls ended.
template <class R>
class Outcome {
 public:
  bool ok() const noexcept { return error_ == nullptr; }
  // The result. Throws what the call ended with, as WorkerPool::call does.
  std::conditional_t<std::is_void_v<R>, void, const std::conditional_t<std::is_void_v<R>, std::monostate, R>&> value() const {
    if (error_ != nullptr) std::rethrow_exception(error_);
    if constexpr (!std::is_void_v<R>) return *value_;
  }
  // What value throws; nullptr if it does not.
  std::exception_ptr error() const noexcept { return error_; }

 protected:
  Outcome(const detail::SharedErrors& errors, const detail::Encoded& value, const wool_error_t* error) {
    try {
      if (error != nullptr) {
        error_ = detail::exception_of(errors, error);
      } else if constexpr (!std::is_void_v<R>) {
        value_.emplace(Codec<R>::decode(detail::decoded(value.payload())));
      }
    } catch (...) {
      // A result that is no R.
      error_ = std::current_exception();
    }
  }

 private:
  std::optional<std::conditional_t<std::is_void_v<R>, std::monostate, R>> value_;
  std::exception_ptr error_;
};

// How the call of one input ended.
template <class R>
class MapItem : public Outcome<R> {
 public:
  // Which input it was, counted from 0.
  std::size_t index;

 private:
  template <class>
  friend class Mapping;

  MapItem(std::size_t input, const detail::SharedErrors& errors, const detail::Encoded& value, const wool_error_t* error)
      : Outcome<R>(errors, value, error), index(input) {}
};

// What one worker answered.
template <class R>
class BroadcastItem : public Outcome<R> {
 public:
  // The worker's uid.
  std::string worker;

 private:
  template <class>
  friend class Broadcast;

  BroadcastItem(std::string uid, const detail::SharedErrors& errors, const detail::Encoded& value, const wool_error_t* error)
      : Outcome<R>(errors, value, error), worker(std::move(uid)) {}
};

// How a map is made.
struct MapOptions {
  // How many of its calls are under way at once. 0 = 64.
  std::uint32_t in_flight = 0;
  // The outcomes come in the order of their inputs, not as the calls end.
  bool ordered = false;
  // Of each call.
  CallOptions call = {};
};

// How far a map has come.
struct MapProgress {
  // Inputs that were taken.
  std::uint64_t added = 0;
  // Calls that have ended, well or not.
  std::uint64_t done = 0;
  // Of those, the calls that ended with an error.
  std::uint64_t failed = 0;
};

namespace detail {

// The arguments of a map's next call; nothing when there are no more.
using Source = std::function<std::optional<Encoded>()>;

// A range of inputs, from which one is taken at a time. It does not move: its iterators may point into it.
template <class Inputs>
class Taking {
 public:
  explicit Taking(Inputs&& inputs)
      : inputs_(std::forward<Inputs>(inputs)), at_(std::begin(inputs_)), end_(std::end(inputs_)) {}
  Taking(const Taking&) = delete;
  Taking& operator=(const Taking&) = delete;

  std::optional<Encoded> next() {
    if (at_ == end_) return std::nullopt;
    std::optional<Encoded> input(Caller::encode(*at_));
    ++at_;
    return input;
  }

 private:
  // A reference to an lvalue.
  Inputs inputs_;
  decltype(std::begin(std::declval<Inputs&>())) at_;
  decltype(std::end(std::declval<Inputs&>())) end_;
};

template <class Inputs>
Source source(Inputs&& inputs) {
  auto taking = std::make_shared<Taking<Inputs>>(std::forward<Inputs>(inputs));
  return [taking] { return taking->next(); };
}

}  // namespace detail

// Calls of one routine, one for each input; see WorkerPool::map. Leaving one before its end, by destroying it, cancels the
// calls that are under way. For one thread at a time, but progress is for any.
//
//   for (auto& item : pool.map<int>("farm.weigh", sheep)) std::cout << item.index << ": " << item.value() << '\n';
template <class R = Value>
class Mapping {
 public:
  // Gives the next outcome, and waits for it; nothing when those of all inputs have been given.
  //
  // Throws what taking an input has thrown, WOOL_ERR_CODEC for one that cannot be encoded, WOOL_ERR_CLOSED.
  std::optional<MapItem<R>> next() {
    // The library takes so many before it wants one to be taken: so no input is taken that it would refuse.
    while (waiting_ < most_) {
      const std::optional<detail::Encoded> input = source_();
      if (!input) break;
      detail::checked([&](wool_error_t** error) { return wool_map_add(map_.get(), input->payload(), error); });
      waiting_++;
    }
    wool_map_item_t item = WOOL_MAP_ITEM_INIT;
    const Status status =
        detail::checked([&](wool_error_t** error) { return wool_map_next(map_.get(), -1, &item, error); });
    if (status == WOOL_END) return std::nullopt;
    waiting_--;
    const detail::ErrorHandle failure(item.error);
    const detail::Encoded value(item.value, item.codec);
    return MapItem<R>(static_cast<std::size_t>(item.index), errors_, value, failure.get());
  }

  // How far it has come.
  MapProgress progress() const {
    wool_map_progress_t found = WOOL_MAP_PROGRESS_INIT;
    detail::checked([&](wool_error_t** error) { return wool_map_progress(map_.get(), &found, error); });
    return {found.added, found.done, found.failed};
  }

  // The outcomes, once: each increment gives one and throws as next does.
  using Iterator = detail::Iterator<Mapping, MapItem<R>>;
  Iterator begin() { return Iterator(*this); }
  Iterator end() noexcept { return Iterator(); }

 private:
  friend class WorkerPool;

  Mapping(wool_pool_t* pool, detail::SharedErrors errors, std::string_view routine, detail::Source source,
          const MapOptions& options)
      : errors_(std::move(errors)), source_(std::move(source)) {
    const detail::LentContext context(options.call.context);
    const wool_call_options_t call = detail::Caller::lend(options.call, context);
    wool_map_options_t given = WOOL_MAP_OPTIONS_INIT;
    given.in_flight = options.in_flight == 0 ? default_in_flight : options.in_flight;
    given.ordered = options.ordered ? 1 : 0;
    given.call = &call;
    most_ = std::uint64_t{2} * given.in_flight;
    wool_map_t* map = nullptr;
    detail::checked([&](wool_error_t** error) { return wool_map_new(pool, detail::slice(routine), &given, &map, error); });
    map_.reset(map);
  }

  static constexpr std::uint32_t default_in_flight = 64;

  detail::SharedErrors errors_;
  detail::Source source_;
  // Inputs that are under way, or whose outcomes were not given; and the most of them.
  std::uint64_t waiting_ = 0;
  std::uint64_t most_ = 0;
  detail::Handle<wool_map_t, wool_map_free> map_;
};

// A call on each of a pool's workers; see WorkerPool::broadcast. Leaving one before its end, by destroying it, cancels the
// calls that are under way. For one thread at a time.
template <class R = Value>
class Broadcast {
 public:
  // Gives the next worker's answer, and waits for it; nothing when all have come. Each worker comes once; one that is lost
  // meanwhile with its error.
  std::optional<BroadcastItem<R>> next() {
    wool_broadcast_item_t item = WOOL_BROADCAST_ITEM_INIT;
    const Status status =
        detail::checked([&](wool_error_t** error) { return wool_broadcast_next(broadcast_.get(), -1, &item, error); });
    if (status == WOOL_END) return std::nullopt;
    const detail::ErrorHandle failure(item.error);
    const detail::Encoded value(item.value, item.codec);
    return BroadcastItem<R>(detail::string(item.worker_uid), errors_, value, failure.get());
  }

  // The answers, once: each increment gives one and throws as next does.
  using Iterator = detail::Iterator<Broadcast, BroadcastItem<R>>;
  Iterator begin() { return Iterator(*this); }
  Iterator end() noexcept { return Iterator(); }

 private:
  friend class WorkerPool;

  Broadcast(wool_pool_t* pool, detail::SharedErrors errors, const CallOptions& options, std::string_view routine,
            const detail::Encoded& arguments)
      : errors_(std::move(errors)) {
    const detail::LentContext context(options.context);
    const wool_call_options_t given = detail::Caller::lend(options, context);
    wool_broadcast_t* broadcast = nullptr;
    detail::checked([&](wool_error_t** error) {
      return wool_broadcast_new(pool, detail::slice(routine), arguments.payload(), &given, &broadcast, error);
    });
    broadcast_.reset(broadcast);
  }

  detail::SharedErrors errors_;
  detail::Handle<wool_broadcast_t, wool_broadcast_free> broadcast_;
};

}  // namespace wool

#endif
