// Who is let in to a worker: part of wool.hpp.
#ifndef WOOL_ADMISSION_HPP
#define WOOL_ADMISSION_HPP

#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "context.hpp"
#include "peers.hpp"

namespace wool {

// A call that asks to be let in.
class AdmissionInfo {
 public:
  explicit AdmissionInfo(const wool_admission_info_t& info)
      : routine(detail::string(info.routine)),
        tag(detail::string(info.tag)),
        in_flight(info.in_flight),
        peer(detail::names(info.peer, info.peer_count)),
        info_(info) {}

  const std::string routine;
  // As the caller labelled it: CallOptions::tag.
  const std::string tag;
  // How many other tasks are in flight on the worker.
  const std::uint64_t in_flight;
  // The names that the caller's certificate holds, DNS names and URIs; empty without one, and over a Unix socket.
  const std::vector<std::string> peer;

  // What rides along with the call under this name; nothing if it has none. Only while the hook runs. Throws
  // WOOL_ERR_CODEC for what is no value.
  std::optional<Value> context(std::string_view name_space, std::string_view name) const {
    return detail::find(info_.context, info_.context_count, name_space, name);
  }

 private:
  const wool_admission_info_t& info_;
};

// What becomes of a call that asks to be let in.
class Admission {
 public:
  // The routine runs.
  static Admission accept() { return Admission(Verdict::accept, {}); }
  // As if the worker's limit were reached: another worker gets the call, or it is offered again later.
  static Admission busy(std::string message = {}) { return Admission(Verdict::busy, std::move(message)); }
  // The call ends as WOOL_ERR_PERMISSION_DENIED with this message.
  static Admission refuse(std::string message) { return Admission(Verdict::refuse, std::move(message)); }

  // Tells wool.
  Status answer(wool_admission_t admission) const noexcept {
    switch (verdict_) {
      case Verdict::accept: return wool_admission_accept(admission, nullptr);
      case Verdict::busy: return wool_admission_busy(admission, detail::slice(message_), nullptr);
      default: return wool_admission_refuse(admission, detail::slice(message_), nullptr);
    }
  }

 private:
  enum class Verdict { accept, busy, refuse };
  Admission(Verdict verdict, std::string message) : verdict_(verdict), message_(std::move(message)) {}

  Verdict verdict_;
  std::string message_;
};

// A worker's admission hook. It is called on wool's threads, several at once, for each call before it begins, and may
// block: only that call waits. What it throws rejects the call as WOOL_ERR_REJECTED.
using AdmissionHook = std::function<Admission(const AdmissionInfo&)>;

namespace detail {

inline void fail_admission(wool_admission_t admission, std::string_view message) noexcept {
  if (wool_admission_fail(admission, slice(message), nullptr) == WOOL_OK) return;
  // A message that is not UTF-8 is refused, and the call still has to be answered.
  wool_admission_fail(admission, slice("it threw an exception whose message is not UTF-8"), nullptr);
}

inline void admit(void* user_data, wool_admission_t admission, const wool_admission_info_t* info) noexcept {
  try {
    const AdmissionInfo asked(*info);
    if ((*static_cast<const AdmissionHook*>(user_data))(asked).answer(admission) == WOOL_OK) return;
    fail_admission(admission, "its message is not UTF-8");
  } catch (const std::exception& error) {
    fail_admission(admission, error.what() == nullptr ? "" : error.what());
  } catch (...) {
    fail_admission(admission, "it threw what is no std::exception");
  }
}

inline void destroy_admit(void* user_data) noexcept { delete static_cast<AdmissionHook*>(user_data); }

}  // namespace detail
}  // namespace wool

#endif
