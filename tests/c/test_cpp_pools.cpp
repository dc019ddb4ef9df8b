/* wool.hpp: pools that start this program again, and workers that are found. */
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "wool.hpp"

/* The frame is C. */
extern "C" {
#include "check.h"
}

namespace {

static_assert(std::is_copy_constructible_v<wool::LocalDiscovery>);
static_assert(std::is_convertible_v<wool::LocalDiscovery, wool::Discovery>);
static_assert(!std::is_convertible_v<wool_discovery_t*, wool::Discovery>);

/* What main makes, before the test or instead of it. */
std::optional<wool::Runtime> runtime;

void add_routines(wool::Runtime& to) {
  to.unary("test.pid", [] { return getpid(); });
  to.unary("test.add", [](std::int64_t a, std::int64_t b) { return a + b; });
  to.unary("test.fail", []() -> int { throw std::out_of_range("the fence has a hole"); });
  to.stream("test.countdown", [](std::int64_t from) {
    return [n = from]() mutable { return n > 0 ? std::optional(n--) : std::nullopt; };
  });
}

bool has_no_child() { return waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }

/* The kind of failure; WOOL_OK if there is none. */
template <class Function>
wool::Status failure(const char* words, Function&& function) {
  try {
    function();
  } catch (const wool::Error& error) {
    if (std::string(error.what()).find(words) == std::string::npos) check_fail(__FILE__, __LINE__, error.what());
    return error.status();
  }
  return WOOL_OK;
}

/* So many processes serve, and no call is under way any more: a result comes before its call is off the books. */
bool all_serve(const wool::PoolStatus& status, std::size_t count) {
  const auto serves = [](const wool::SpawnedProcess& process) { return process.state == "serving"; };
  const auto rests = [](const wool::WorkerStatus& worker) { return worker.in_flight == 0; };
  return status.workers.size() == count && status.processes.size() == count &&
         std::all_of(status.processes.begin(), status.processes.end(), serves) &&
         std::all_of(status.workers.begin(), status.workers.end(), rests);
}

std::string unique_name() { return "test-cpp-" + std::to_string(getpid()); }

}  // namespace

BEFORE(test) {
  static_cast<void>(test);
  runtime.emplace();
  add_routines(*runtime);
  if (wool::serve_if_spawned(*runtime)) {
    runtime.reset();
    std::exit(0);
  }
}

TEST(a_pool_without_options_starts_this_program_again) {
  wool::WorkerPool pool(*runtime);
  CHECK(pool.call<pid_t>("test.pid") != getpid());
  CHECK(pool.call<std::int64_t>("test.add", 1, 2) == 3);
  std::int64_t expected = 3;
  for (std::int64_t n : pool.stream<std::int64_t>("test.countdown", 3)) CHECK(n == expected--);
  CHECK(expected == 0 && !pool.status().processes.empty());
  pool.close();
  CHECK(has_no_child());
  runtime.reset();
}

TEST(an_exception_comes_from_another_process) {
  wool::PoolOptions options;
  options.spawn = 1;
  wool::WorkerPool pool(*runtime, options);
  try {
    pool.call("test.fail");
    check_fail(__FILE__, __LINE__, "did not throw");
  } catch (const wool::Error& error) {
    CHECK(error.status() == WOOL_ERR_TASK_FAILED && error.type() == "std::out_of_range" && error.language() == "cpp");
    CHECK(std::string(error.what()) == "the fence has a hole");
  }
  pool.close();
  runtime.reset();
}

TEST(the_status_is_typed) {
  wool::PoolOptions options;
  options.spawn = 2;
  options.quorum = 2;
  options.quorum_timeout = wool::milliseconds(120000);
  options.concurrency = 5;
  options.grace = wool::forever;
  options.tags = {"fast", "gpu"};
  wool::WorkerPool pool(*runtime, options);
  const pid_t pid = pool.call<pid_t>("test.pid");
  wool::PoolStatus status = pool.status();
  while (!all_serve(status, 2)) {
    sched_yield();
    status = pool.status();
  }
  CHECK(status.quorum_reached && status.waiting == 0 && status.turned_away.empty() && status.problems.empty());
  CHECK(status.turned_away_counts.empty() && status.processes.size() == 2);
  bool answered = false;
  for (const wool::WorkerStatus& worker : status.workers) {
    CHECK(worker.origin == "spawned" && worker.state == "up" && worker.problem.empty() && worker.capacity == 5);
    CHECK((worker.tags == std::vector<std::string>{"fast", "gpu"}));
    CHECK(worker.uid.size() == 36 && !worker.address.empty() && worker.in_flight == 0);
    CHECK(worker.language == "cpp" && worker.version == wool_version() && worker.routines.size() == 4);
    for (const wool::RoutineStatus& routine : worker.routines) {
      CHECK(routine.kind == (routine.name == "test.countdown" ? "stream" : "unary"));
    }
    const wool::SpawnedProcess& first = status.processes[0];
    const wool::SpawnedProcess& process = first.uid == worker.uid ? first : status.processes[1];
    CHECK(process.uid == worker.uid && process.pid == worker.pid && process.restarts == 0);
    answered = answered || worker.pid == pid;
  }
  CHECK(answered && status.processes[0].slot == 0 && status.processes[1].slot == 1);
  pool.close();
  CHECK(has_no_child());
  runtime.reset();
}

TEST(processes_that_die_tell_why) {
  wool::PoolOptions options;
  options.spawn = 1;
  options.command = {"/bin/sh", "-c", "echo the barn is locked >&2; exit 7"};
  wool::WorkerPool pool(*runtime, options);
  CHECK(failure("the barn is locked", [&] { pool.call("test.pid"); }) == WOOL_ERR_SPAWN_FAILED);
  const wool::PoolStatus status = pool.status();
  CHECK(status.problems.size() == 1 && status.problems[0].kind == "SPAWN_FAILED");
  CHECK(status.problems[0].message.find("the barn is locked") != std::string::npos);
  pool.close();
  runtime.reset();
}

TEST(destroying_a_pool_and_its_runtime_leaves_no_process) {
  {
    wool::PoolOptions options;
    options.spawn = 2;
    wool::WorkerPool pool(*runtime, options);
    CHECK(pool.call<pid_t>("test.pid") != getpid());
  }
  runtime.reset();
  CHECK(has_no_child());
}

TEST(published_workers_are_found_and_chosen_by_tags) {
  wool::Runtime serves;
  add_routines(serves);
  const wool::LocalDiscovery farm(unique_name());
  wool::WorkerOptions slow, fast;
  slow.publish = farm;
  slow.tags = {"slow"};
  fast.publish = farm;
  fast.tags = {"fast"};
  wool::Worker turned_away(serves, slow);
  wool::Worker found(serves, fast);
  wool::PoolOptions options;
  options.discovery = farm;
  options.tags = {"fast"};
  wool::WorkerPool pool(*runtime, options);
  CHECK(pool.call<pid_t>("test.pid") == getpid());
  wool::PoolStatus status = pool.status();
  while (status.turned_away.empty()) {
    sched_yield();
    status = pool.status();
  }
  CHECK(status.workers.size() == 1 && status.workers[0].origin == "found" && status.workers[0].uid == found.uid());
  CHECK(status.turned_away[0].reason == "tags" && status.turned_away[0].key == turned_away.uid());
  CHECK(!status.turned_away[0].message.empty() && status.turned_away_counts.at("tags") == 1);
  CHECK(status.processes.empty());
  pool.close();
  runtime.reset();
}

TEST(bad_options_are_told) {
  CHECK(failure("name for a namespace", [] { wool::LocalDiscovery("a/b"); }) == WOOL_ERR_INVALID_ARGUMENT);
  const auto refused = [](const char* words, const wool::PoolOptions& options) {
    return failure(words, [&] { wool::WorkerPool(*runtime, options); });
  };
  wool::PoolOptions none, many, beyond, quorum, lease, waits, command;
  none.spawn = 0;
  CHECK(refused("discovery or addresses", none) == WOOL_ERR_INVALID_ARGUMENT);
  many.spawn = 5000;
  CHECK(refused("5000", many) == WOOL_ERR_INVALID_ARGUMENT);
  beyond.spawn = UINT32_MAX;
  CHECK(refused("4096", beyond) == WOOL_ERR_INVALID_ARGUMENT);
  quorum.spawn = 1;
  quorum.quorum = 2;
  CHECK(refused("quorum of 2", quorum) == WOOL_ERR_INVALID_ARGUMENT);
  lease.discovery = wool::LocalDiscovery(unique_name());
  lease.lease = 1;
  lease.quorum = 2;
  CHECK(refused("lease of 1", lease) == WOOL_ERR_INVALID_ARGUMENT);
  waits.quorum_timeout = wool::forever;
  CHECK(refused("quorum_timeout is negative", waits) == WOOL_ERR_INVALID_ARGUMENT);
  command.command = {""};
  CHECK(refused("command", command) == WOOL_ERR_INVALID_ARGUMENT);
  runtime.reset();
}
