// Which workers a pool believes: part of wool.hpp.
#ifndef WOOL_PEERS_HPP
#define WOOL_PEERS_HPP

#include <cstddef>
#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "error.hpp"

namespace wool {

namespace detail {

// The names of a peer's certificate.
inline std::vector<std::string> names(const wool_slice_t* names, std::size_t count) {
  std::vector<std::string> copied;
  copied.reserve(count);
  for (std::size_t i = 0; i < count; i++) copied.push_back(string(names[i]));
  return copied;
}

}  // namespace detail

// A worker whose claimed identity waits to be believed.
struct PeerInfo {
  // What it claims to be: a DNS name or a URI. Nothing has been proved yet.
  std::string identity;
  // Its uid.
  std::string uid;
};

// Says whether the identity that a worker claims is believed, before each attempt to connect to it. It is called on wool's
// I/O threads, maybe several at once, and must not block. When it throws, the worker is not connected to this time.
using PeerCheck = std::function<bool(const PeerInfo&)>;

namespace detail {

inline void fail_peer_check(wool_peer_check_t check, std::string_view message) noexcept {
  if (wool_peer_check_fail(check, slice(message), nullptr) == WOOL_OK) return;
  // A message that is not UTF-8 is refused, and the question still has to be answered.
  wool_peer_check_fail(check, slice("it threw an exception whose message is not UTF-8"), nullptr);
}

inline void check_peer(void* user_data, wool_peer_check_t check, const wool_peer_info_t* info) noexcept {
  try {
    const bool believed = (*static_cast<const PeerCheck*>(user_data))({string(info->identity), string(info->uid)});
    wool_peer_check_answer(check, believed ? 1 : 0, nullptr);
  } catch (const std::exception& error) {
    fail_peer_check(check, error.what() == nullptr ? "" : error.what());
  } catch (...) {
    fail_peer_check(check, "it threw what is no std::exception");
  }
}

inline void destroy_peer_check(void* user_data) noexcept { delete static_cast<PeerCheck*>(user_data); }

}  // namespace detail
}  // namespace wool

#endif
