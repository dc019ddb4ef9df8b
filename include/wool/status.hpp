// What a pool says of itself: part of wool.hpp.
#ifndef WOOL_STATUS_HPP
#define WOOL_STATUS_HPP

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "value.hpp"

namespace wool {

// Words such as "up" are text, since a later library may say others; docs/pool-status.md lists them.

// A routine of a worker.
struct RoutineStatus {
  std::string name;
  // "unary" or "stream".
  std::string kind;
};

// A worker as a pool sees it.
struct WorkerStatus {
  // Its UUID, dashed; empty while a worker at a fixed address has not answered.
  std::string uid;
  // "host:port" or "unix:/path".
  std::string address;
  // How the pool came to it: "fixed", "found" or "spawned".
  std::string origin;
  // "connecting", "up", "draining" or "down"; the pool goes on trying.
  std::string state;
  // Why it is down; empty otherwise.
  std::string problem;
  // What it serves.
  std::vector<RoutineStatus> routines;
  // This pool's calls that it has not ended.
  std::size_t in_flight = 0;
  // How many calls it takes at once; 0 while it has not answered.
  std::size_t capacity = 0;
  // Its labels.
  std::vector<std::string> tags;
  // The language of its host; empty while it has not answered.
  std::string language;
  // The version of its libwool; empty while it has not answered.
  std::string version;
  // Its process; 0 where it is not known.
  std::int64_t pid = 0;
};

// A worker's record that the pool does not use.
struct TurnedAway {
  // The worker's UUID where it can be read, else the name of its record.
  std::string key;
  // Why, to count by: "tags", "lease", ...
  std::string reason;
  // Why, to read.
  std::string message;
};

// A worker process that the pool keeps up.
struct SpawnedProcess {
  // Which of them, from 0.
  std::size_t slot = 0;
  // 0 while there is none.
  std::int64_t pid = 0;
  // Of its worker; empty while it does not serve.
  std::string uid;
  // "starting", "serving", "backoff", "stopping" or "ended".
  std::string state;
  // How often it has been replaced.
  std::uint64_t restarts = 0;
};

// Why workers that should be there are not.
struct Problem {
  // The name of an error's status, e.g. "SPAWN_FAILED".
  std::string kind;
  std::string message;
};

// A pool at one moment.
struct PoolStatus {
  // The workers that belong to it.
  std::vector<WorkerStatus> workers;
  // The records that are there and not used, at most 1,000.
  std::vector<TurnedAway> turned_away;
  // How often each reason has turned a record away since the pool was made.
  std::map<std::string, std::uint64_t> turned_away_counts;
  // The worker processes that it keeps up.
  std::vector<SpawnedProcess> processes;
  // Calls that wait for a worker.
  std::size_t waiting = 0;
  // Whether as many workers have been connected at once as the first call waits for.
  bool quorum_reached = false;
  std::vector<Problem> problems;
};

namespace detail {

// A part of the map that a status travels as. Parts that are not known are skipped, so each side may be the older one.
template <class T>
void part(const Value& status, std::string_view name, T& out) {
  const auto* map = std::get_if<Map>(&status.variant());
  if (map == nullptr) mismatch("map", status);
  for (const Entry& entry : *map) {
    const auto* key = std::get_if<std::string>(&entry.key.variant());
    if (key == nullptr || *key != name) continue;
    try {
      out = Codec<T>::decode(entry.value);
    } catch (const Error& error) {
      within(std::string(name), error);
    }
    return;
  }
}

}  // namespace detail

template <>
struct Codec<RoutineStatus> {
  static RoutineStatus decode(const Value& value) {
    RoutineStatus routine;
    detail::part(value, "name", routine.name);
    detail::part(value, "kind", routine.kind);
    return routine;
  }
};

template <>
struct Codec<WorkerStatus> {
  static WorkerStatus decode(const Value& value) {
    WorkerStatus worker;
    detail::part(value, "uid", worker.uid);
    detail::part(value, "address", worker.address);
    detail::part(value, "origin", worker.origin);
    detail::part(value, "state", worker.state);
    detail::part(value, "problem", worker.problem);
    detail::part(value, "routines", worker.routines);
    detail::part(value, "in_flight", worker.in_flight);
    detail::part(value, "capacity", worker.capacity);
    detail::part(value, "tags", worker.tags);
    detail::part(value, "language", worker.language);
    detail::part(value, "version", worker.version);
    detail::part(value, "pid", worker.pid);
    return worker;
  }
};

template <>
struct Codec<TurnedAway> {
  static TurnedAway decode(const Value& value) {
    TurnedAway turned_away;
    detail::part(value, "key", turned_away.key);
    detail::part(value, "reason", turned_away.reason);
    detail::part(value, "message", turned_away.message);
    return turned_away;
  }
};

template <>
struct Codec<SpawnedProcess> {
  static SpawnedProcess decode(const Value& value) {
    SpawnedProcess process;
    detail::part(value, "slot", process.slot);
    detail::part(value, "pid", process.pid);
    detail::part(value, "uid", process.uid);
    detail::part(value, "state", process.state);
    detail::part(value, "restarts", process.restarts);
    return process;
  }
};

template <>
struct Codec<Problem> {
  static Problem decode(const Value& value) {
    Problem problem;
    detail::part(value, "kind", problem.kind);
    detail::part(value, "message", problem.message);
    return problem;
  }
};

template <>
struct Codec<PoolStatus> {
  static PoolStatus decode(const Value& value) {
    PoolStatus status;
    detail::part(value, "workers", status.workers);
    detail::part(value, "turned_away", status.turned_away);
    detail::part(value, "turned_away_counts", status.turned_away_counts);
    detail::part(value, "processes", status.processes);
    detail::part(value, "waiting", status.waiting);
    detail::part(value, "quorum_reached", status.quorum_reached);
    detail::part(value, "problems", status.problems);
    return status;
  }
};

}  // namespace wool

#endif
