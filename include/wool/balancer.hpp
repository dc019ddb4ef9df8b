// Which worker gets a call: part of wool.hpp.
#ifndef WOOL_BALANCER_HPP
#define WOOL_BALANCER_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "error.hpp"

namespace wool {

// A worker that can take a call.
struct ChoiceWorker {
  // Its UUID, dashed.
  std::string uid;
  // Where the pool reaches it.
  std::string address;
  // Its labels.
  std::vector<std::string> tags;
  // Calls of this pool that it has and has not answered.
  std::uint64_t in_flight = 0;
  // How many of them it takes.
  std::uint64_t capacity = 0;
};

// A call that waits for a worker to be chosen.
struct Choice {
  std::string routine;
  // As the caller labelled it: CallOptions::tag.
  std::string tag;
  // Those that can take it, at least one, in no order that means anything.
  std::vector<ChoiceWorker> workers;
};

// Chooses a worker by its index, or none of them: the call then waits until something changes. It is called on the threads
// that make calls and on wool's, several at once, and must not block. When it throws, or the index is none, the next worker
// in turn gets the call.
using BalanceFunction = std::function<std::optional<std::size_t>(const Choice&)>;

// How a pool spreads its calls over the workers that can take them.
class Balancer {
 public:
  // One after the other.
  static Balancer round_robin() { return Balancer(WOOL_BALANCER_ROUND_ROBIN, nullptr); }
  // Of two that are drawn by lot, the one with fewer calls of this pool in flight.
  static Balancer least_loaded() { return Balancer(WOOL_BALANCER_LEAST_LOADED, nullptr); }
  // As the function says, which is copied for each pool.
  static Balancer custom(BalanceFunction function) { return Balancer(WOOL_BALANCER_CUSTOM, std::move(function)); }

  // For wool.h.
  void give(wool_pool_options_t& options) const;

 private:
  Balancer(std::int32_t kind, BalanceFunction function) : kind_(kind), function_(std::move(function)) {}

  std::int32_t kind_;
  BalanceFunction function_;
};

namespace detail {

inline Choice choice_of(const wool_choice_info_t& info) {
  Choice choice{string(info.routine), string(info.tag), {}};
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(info.workers);
  for (std::size_t i = 0; i < info.worker_count; i++) {
    const auto& told = *reinterpret_cast<const wool_choice_worker_t*>(bytes + i * info.worker_size);
    ChoiceWorker worker{string(told.uid), string(told.address), {}, told.in_flight, told.capacity};
    for (std::size_t tag = 0; tag < told.tag_count; tag++) worker.tags.push_back(string(told.tags[tag]));
    choice.workers.push_back(std::move(worker));
  }
  return choice;
}

inline void balance(void* user_data, wool_choice_t choice, const wool_choice_info_t* info) noexcept {
  // One that no pool has: the next in turn gets the call.
  std::int64_t index = INT64_MAX;
  try {
    const std::optional<std::size_t> chosen = (*static_cast<const BalanceFunction*>(user_data))(choice_of(*info));
    index = chosen ? static_cast<std::int64_t>(*chosen & INT64_MAX) : -1;
  } catch (...) {
    // As above.
  }
  wool_choice_answer(choice, index, nullptr);
}

inline void destroy_balance(void* user_data) noexcept { delete static_cast<BalanceFunction*>(user_data); }

}  // namespace detail

inline void Balancer::give(wool_pool_options_t& options) const {
  options.balancer = kind_;
  if (!function_) return;
  options.balance = detail::balance;
  // wool's from here on, also when the pool cannot be made.
  options.balance_user_data = new BalanceFunction(function_);
  options.balance_destroy = detail::destroy_balance;
}

}  // namespace wool

#endif
