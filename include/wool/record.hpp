// What a discovery knows of workers: part of wool.hpp.
#ifndef WOOL_RECORD_HPP
#define WOOL_RECORD_HPP

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "encoding.hpp"
#include "status.hpp"

namespace wool {

// How a worker is found. One that was made elsewhere needs no more than an address.
struct WorkerRecord {
  // Its UUID, dashed; a restarted worker has another. Empty = not known: whoever answers is taken.
  std::string uid = {};
  // "host:port", IPv6 hosts in brackets; at least one.
  std::vector<std::string> addresses = {};
  // Labels by which pools choose.
  std::vector<std::string> tags = {};
  // What its host says of it, for others.
  std::map<std::string, std::string> extra = {};
  // It serves with TLS.
  bool secure = false;
  // The name that its certificate holds; empty = that of its address.
  std::string identity = {};
  // Of its process; 0 = not known.
  std::uint32_t pid = 0;
  // "rust", "go" and so on; empty = not known.
  std::string language = {};
  // Of the library that it serves with; empty = not known.
  std::string version = {};
  // The protocol's major and minor version; nothing = this library's.
  std::optional<std::pair<std::uint32_t, std::uint32_t>> protocol = std::nullopt;
  // "session", through which pools call, and "dispatch", Python's. Nothing = "session".
  std::optional<std::vector<std::string>> doors = std::nullopt;
};

// What a discovery finds at one moment.
struct Listing {
  // The workers that a pool could call, ordered by their uids.
  std::vector<WorkerRecord> workers;
  // The records that no pool can use, and why.
  std::vector<TurnedAway> turned_away;
  // Why there may be more; nothing when there is no reason.
  std::optional<Problem> problem;
};

template <>
struct Codec<WorkerRecord> {
  // Without what is not known.
  static Value encode(const WorkerRecord& record) {
    Map map{{"uid", record.uid},
            {"addresses", Codec<std::vector<std::string>>::encode(record.addresses)},
            {"tags", Codec<std::vector<std::string>>::encode(record.tags)},
            {"extra", Codec<std::map<std::string, std::string>>::encode(record.extra)},
            {"secure", record.secure},
            {"identity", record.identity},
            {"pid", record.pid},
            {"language", record.language},
            {"version", record.version}};
    if (record.protocol) map.push_back({"protocol", List{record.protocol->first, record.protocol->second}});
    if (record.doors) map.push_back({"doors", Codec<std::vector<std::string>>::encode(*record.doors)});
    return map;
  }
  static WorkerRecord decode(const Value& value) {
    WorkerRecord record;
    detail::part(value, "uid", record.uid);
    detail::part(value, "addresses", record.addresses);
    detail::part(value, "tags", record.tags);
    detail::part(value, "extra", record.extra);
    detail::part(value, "secure", record.secure);
    detail::part(value, "identity", record.identity);
    detail::part(value, "pid", record.pid);
    detail::part(value, "language", record.language);
    detail::part(value, "version", record.version);
    std::optional<std::tuple<std::uint32_t, std::uint32_t>> protocol;
    detail::part(value, "protocol", protocol);
    if (protocol) record.protocol = {std::get<0>(*protocol), std::get<1>(*protocol)};
    detail::part(value, "doors", record.doors);
    return record;
  }
};

template <>
struct Codec<Listing> {
  static Listing decode(const Value& value) {
    Listing listing;
    detail::part(value, "workers", listing.workers);
    detail::part(value, "turned_away", listing.turned_away);
    detail::part(value, "problem", listing.problem);
    return listing;
  }
};

}  // namespace wool

#endif
