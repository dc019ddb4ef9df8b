// Where workers are announced and found: part of wool.hpp.
#ifndef WOOL_DISCOVERY_HPP
#define WOOL_DISCOVERY_HPP

#include <memory>
#include <string_view>

#include "error.hpp"

namespace wool {

// Where workers are announced and found. Given to workers and pools, which keep what they need of it. Copies share
// one.
class Discovery {
 public:
  // Takes over a discovery of wool.h.
  explicit Discovery(wool_discovery_t* discovery) : discovery_(discovery, wool_discovery_free) {}

  // For what only wool.h offers. It stays this object's.
  wool_discovery_t* get() const noexcept { return discovery_.get(); }

 private:
  std::shared_ptr<wool_discovery_t> discovery_;
};

// The workers of this user on this machine, in shared memory, under a name that publishers and pools share.
//
//   options.discovery = wool::LocalDiscovery("farm");
class LocalDiscovery : public Discovery {
 public:
  // `name_space`: 1 to 32 of A-Z a-z 0-9 . _ -, not beginning with a dot. `directory`: where the records are kept,
  // instead of the user's own place; empty = there.
  //
  // Throws WOOL_ERR_INVALID_ARGUMENT for another name. Whether there is shared memory is found out by whoever uses it.
  explicit LocalDiscovery(std::string_view name_space, std::string_view directory = {})
      : Discovery(open(name_space, directory)) {}

 private:
  static wool_discovery_t* open(std::string_view name_space, std::string_view directory) {
    wool_discovery_t* discovery = nullptr;
    detail::checked([&](wool_error_t** error) {
      return wool_discovery_new_local(detail::slice(name_space), detail::slice(directory), &discovery, error);
    });
    return discovery;
  }
};

}  // namespace wool

#endif
