// Where workers are announced and found: part of wool.hpp.
#ifndef WOOL_DISCOVERY_HPP
#define WOOL_DISCOVERY_HPP

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "options.hpp"
#include "record.hpp"
#include "runtime.hpp"

namespace wool {

class CustomDiscovery;

// What of the local network is meant.
struct LanOptions {
  // The workers that are published under this name, 1 to 128 bytes. Empty = those without one.
  std::string name_space = {};
  // Only these network interfaces, each by its name ("eth0") or an address of it; loopback counts only where it is named.
  // Empty = all but loopback.
  std::vector<std::string> interfaces = {};
};

// Where workers are announced and found. Given to workers and pools, which keep what they need of it. Copies share
// one.
//
//   options.discovery = wool::Discovery::lan();
class Discovery {
 public:
  // Takes over a discovery of wool.h.
  explicit Discovery(wool_discovery_t* discovery) : discovery_(discovery, wool_discovery_free) {}

  // The workers of this user on this machine, in shared memory, under a name that publishers and pools share: 1 to 32 of
  // A-Z a-z 0-9 . _ -, not beginning with a dot. `directory`: where the records are kept, instead of the user's own place;
  // empty = there.
  //
  // Throws WOOL_ERR_INVALID_ARGUMENT for another name. Whether there is shared memory is found out by whoever uses it.
  static Discovery local(std::string_view name_space, std::string_view directory = {}) {
    return made([&](wool_discovery_t** out, wool_error_t** error) {
      return wool_discovery_new_local(detail::slice(name_space), detail::slice(directory), out, error);
    });
  }

  // The workers of the local network, found without configuration (Zeroconf). Whoever is on the network reads and writes the
  // records, so pools never present their secret to workers that they have found in this way.
  //
  // Throws WOOL_ERR_INVALID_ARGUMENT for a namespace of another length.
  static Discovery lan(const LanOptions& options = {}) {
    const std::vector<wool_slice_t> interfaces = detail::slices(options.interfaces);
    wool_lan_options_t given = WOOL_LAN_OPTIONS_INIT;
    given.name_space = detail::slice(options.name_space);
    given.interfaces = interfaces.data();
    given.interface_count = interfaces.size();
    return made([&](wool_discovery_t** out, wool_error_t** error) { return wool_discovery_new_lan(&given, out, error); });
  }

  // Workers at addresses that are known, "host:port" or "unix:/path", to stand beside others in a stack; alone, they are the
  // `addresses` of a pool. It only finds workers.
  //
  // Throws WOOL_ERR_INVALID_ARGUMENT for what is no address, and for none.
  static Discovery fixed(const std::vector<std::string>& addresses) {
    const std::vector<wool_slice_t> given = detail::slices(addresses);
    return made([&](wool_discovery_t** out, wool_error_t** error) {
      return wool_discovery_new_static(given.data(), given.size(), out, error);
    });
  }

  // Workers behind a name in DNS, which is looked up again when what was found has aged. "host:port": one at each address of
  // the host. "_wool._tcp.example.com", without a port: one for each SRV record. `servers` are asked, "address:port"; empty =
  // those that the system is set up with. It only finds workers.
  //
  // Throws WOOL_ERR_INVALID_ARGUMENT for what is no such name, or no server's address.
  static Discovery dns(std::string_view name, const std::vector<std::string>& servers = {}) {
    const std::vector<wool_slice_t> given = detail::slices(servers);
    return made([&](wool_discovery_t** out, wool_error_t** error) {
      return wool_discovery_new_dns(detail::slice(name), given.data(), given.size(), out, error);
    });
  }

  // Several at once: a pool finds what any of them finds, of two that know the same worker believing the earlier one; a
  // worker is published by all that publish.
  //
  // Throws WOOL_ERR_INVALID_ARGUMENT for none.
  static Discovery stacked(const std::vector<Discovery>& discoveries) {
    std::vector<const wool_discovery_t*> given;
    for (const Discovery& discovery : discoveries) given.push_back(discovery.get());
    return made([&](wool_discovery_t** out, wool_error_t** error) {
      return wool_discovery_new_stacked(given.data(), given.size(), out, error);
    });
  }

  // One of your own. It is kept until this and all workers and pools that have it are gone.
  //
  // Throws WOOL_ERR_INVALID_ARGUMENT for nullptr.
  static Discovery custom(std::shared_ptr<CustomDiscovery> discovery);

  // Looks around once, and tells which workers there are. Nobody has talked to them: they may have gone, or be busy. What
  // labels or lease pools have does not count. It waits until the first look around is over, or the time is up: 0 = 5 s.
  //
  // Throws WOOL_ERR_DISCOVERY when workers cannot be found here at all, WOOL_ERR_INVALID_ARGUMENT in a routine.
  Listing list(const Runtime& runtime, milliseconds timeout = milliseconds(0)) const {
    detail::Encoded listing;
    const std::uint64_t time = detail::option(timeout, "timeout");
    detail::checked([&](wool_error_t** error) {
      return wool_discovery_list(get(), runtime.get(), time, listing.bytes(), error);
    });
    return detail::decoded(listing.payload()).as<Listing>();
  }

  // For what only wool.h offers. It stays this object's.
  wool_discovery_t* get() const noexcept { return discovery_.get(); }

 private:
  template <class Make>
  static Discovery made(Make make) {
    wool_discovery_t* discovery = nullptr;
    detail::checked([&](wool_error_t** error) { return make(&discovery, error); });
    return Discovery(discovery);
  }

  std::shared_ptr<wool_discovery_t> discovery_;
};

// As Discovery::local.
class LocalDiscovery : public Discovery {
 public:
  explicit LocalDiscovery(std::string_view name_space, std::string_view directory = {})
      : Discovery(local(name_space, directory)) {}
};

}  // namespace wool

#include "custom_discovery.hpp"

#endif
