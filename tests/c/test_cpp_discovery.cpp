/* wool.hpp: discoveries and balancers of the program's own, and worker programs. */
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "wool.hpp"

/* The frame is C. */
extern "C" {
#include "check.h"
}

namespace {

/* Knows in memory who is published. */
class Board : public wool::CustomDiscovery {
 public:
  void subscribe(wool::Subscription subscription) override {
    const std::lock_guard guard(lock_);
    if (refuses) throw std::runtime_error("the board is full");
    listeners_.push_back(subscription);
    for (const auto& entry : records_) subscription.found(entry.second);
    subscription.scanned();
  }
  void unsubscribe(wool::Subscription subscription) override {
    const std::lock_guard guard(lock_);
    for (auto at = listeners_.begin(); at != listeners_.end(); ++at) {
      if (!(*at == subscription)) continue;
      listeners_.erase(at);
      return;
    }
    // One whose subscribe has thrown.
    if (!refuses) check_fail(__FILE__, __LINE__, "who did not subscribe unsubscribes");
  }
  void publish(const wool::WorkerRecord& record, wool::Publication publication) override {
    const std::lock_guard guard(lock_);
    if (refuses) throw wool::Error(WOOL_ERR_PERMISSION_DENIED, "not on this board");
    records_[record.uid] = record;
    for (const wool::Subscription& listener : listeners_) listener.found(record);
    publication.done();
  }
  void withdraw(const std::string& uid, wool::Publication publication) override {
    const std::lock_guard guard(lock_);
    records_.erase(uid);
    for (const wool::Subscription& listener : listeners_) listener.gone(uid);
    publication.done();
  }
  std::size_t listeners() const {
    const std::lock_guard guard(lock_);
    return listeners_.size();
  }

  std::atomic<bool> refuses{false};

 private:
  mutable std::mutex lock_;
  std::map<std::string, wool::WorkerRecord> records_;
  std::vector<wool::Subscription> listeners_;
};

void add_routines(wool::Runtime& to) {
  to.unary("test.pid", [] { return getpid(); });
  to.unary("test.where", [](wool::Task task) { return task.worker(); });
}

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

}  // namespace

TEST(a_discovery_of_ones_own_publishes_and_finds) {
  const auto board = std::make_shared<Board>();
  {
    wool::Runtime runtime;
    add_routines(runtime);
    const wool::Discovery discovery = wool::Discovery::custom(board);
    wool::PoolOptions joins;
    joins.discovery = discovery;
    wool::WorkerPool pool(runtime, joins);
    CHECK(board->listeners() == 1);
    wool::WorkerOptions options;
    options.publish = discovery;
    options.tags = {"shears"};
    options.extra = {{"zone", "a"}, {"rack", "7"}};
    options.advertise = {"localhost"};
    wool::Worker worker(runtime, options);
    CHECK(pool.call<pid_t>("test.pid") == getpid());

    const wool::Listing listing = discovery.list(runtime);
    CHECK(listing.workers.size() == 1 && listing.turned_away.empty() && !listing.problem);
    const wool::WorkerRecord& record = listing.workers[0];
    CHECK(record.uid == worker.uid() && record.tags == options.tags && record.extra == options.extra);
    CHECK(record.addresses.size() == 1 && record.addresses[0].rfind("localhost:", 0) == 0);
    CHECK(record.language == "cpp" && record.version == wool_version() && !record.secure && record.identity.empty());
    CHECK(record.pid == static_cast<std::uint32_t>(getpid()) && record.protocol && record.protocol->first == 1);
    CHECK((record.doors == std::vector<std::string>{"session"}));
    CHECK(board->listeners() == 1);

    worker.stop();
    while (!pool.status().workers.empty()) sched_yield();
    CHECK(discovery.list(runtime).workers.empty());
    pool.close();
    CHECK(board->listeners() == 0 && board.use_count() > 1);
  }
  CHECK(board.use_count() == 1);
}

TEST(what_a_discovery_throws_is_told) {
  const auto board = std::make_shared<Board>();
  wool::Runtime runtime;
  const wool::Discovery discovery = wool::Discovery::custom(board);
  board->refuses = true;
  wool::WorkerOptions options;
  options.publish = discovery;
  CHECK(failure("not on this board", [&] { wool::Worker(runtime, options); }) == WOOL_ERR_PERMISSION_DENIED);
  const wool::Listing listing = discovery.list(runtime, wool::milliseconds(1));
  CHECK(listing.problem && listing.problem->kind == "DISCOVERY" && listing.problem->message == "the board is full");
  CHECK(failure("nullptr", [] { wool::Discovery::custom(nullptr); }) == WOOL_ERR_INVALID_ARGUMENT);
}

TEST(the_discoveries_are_made) {
  wool::Runtime runtime;
  add_routines(runtime);
  wool::Worker worker(runtime);
  const wool::Discovery fixed = wool::Discovery::fixed({worker.address()});
  const wool::Discovery both = wool::Discovery::stacked({wool::Discovery::custom(std::make_shared<Board>()), fixed});
  wool::PoolOptions joins;
  joins.discovery = both;
  wool::WorkerPool pool(runtime, joins);
  CHECK(pool.call<pid_t>("test.pid") == getpid());
  CHECK(fixed.list(runtime).workers.at(0).addresses.at(0) == worker.address());
  wool::LanOptions lan;
  lan.name_space = "farm";
  lan.interfaces = {"lo"};
  CHECK(wool::Discovery::lan(lan).get() != nullptr && wool::Discovery::lan().get() != nullptr);
  CHECK(wool::Discovery::dns("wool.test:7000", {"127.0.0.1:53"}).get() != nullptr);
  CHECK(wool::Discovery::local("farm").get() != nullptr);
  CHECK(failure("at least one", [] { wool::Discovery::stacked({}); }) == WOOL_ERR_INVALID_ARGUMENT);
  CHECK(failure("at least one", [] { wool::Discovery::fixed({}); }) == WOOL_ERR_INVALID_ARGUMENT);
  CHECK(failure("DNS server", [] { wool::Discovery::dns("a:1", {"a"}); }) == WOOL_ERR_INVALID_ARGUMENT);
}

TEST(a_function_balances) {
  wool::Runtime runtime;
  add_routines(runtime);
  wool::WorkerOptions tagged;
  tagged.tags = {"shears"};
  tagged.publish = wool::Discovery::custom(std::make_shared<Board>());
  std::vector<wool::Worker> workers;
  wool::PoolOptions options;
  options.discovery = tagged.publish;
  for (int i = 0; i < 2; i++) workers.emplace_back(runtime, tagged);
  options.quorum = 2;
  const auto alive = std::make_shared<int>(0);
  options.balancer = wool::Balancer::custom([alive](const wool::Choice& choice) -> std::optional<std::size_t> {
    if (choice.tag == "throw") throw std::runtime_error("no idea");
    if (choice.tag == "far") return SIZE_MAX;
    if (choice.routine != "test.where") return 0;
    for (std::size_t i = 0; i < choice.workers.size(); i++) {
      const wool::ChoiceWorker& worker = choice.workers[i];
      CHECK((worker.tags == std::vector<std::string>{"shears"}) && worker.capacity > 0 && !worker.address.empty());
      if (worker.uid == choice.tag) return i;
    }
    return std::nullopt;
  });
  {
    wool::WorkerPool pool(runtime, options);
    wool::CallOptions call;
    for (int i = 0; i < 10; i++) {
      call.tag = workers[i % 2].uid();
      CHECK(pool.call<std::string>(call, "test.where") == call.tag);
    }
    for (const char* tag : {"throw", "far"}) {
      call.tag = tag;
      CHECK(pool.call<pid_t>(call, "test.pid") == getpid());
    }
    call.tag = "nobody";
    call.dispatch_timeout = wool::milliseconds(1);
    CHECK(failure("", [&] { pool.call(call, "test.where"); }) == WOOL_ERR_NO_WORKERS_AVAILABLE);
    CHECK(alive.use_count() == 3);
    pool.close();
    CHECK(alive.use_count() == 2);
  }
  options.balancer = wool::Balancer::least_loaded();
  CHECK(alive.use_count() == 1);
  wool::WorkerPool pool(runtime, options);
  CHECK(pool.call<pid_t>("test.pid") == getpid());
  CHECK(failure("needs one of", [&] {
          options.balancer = wool::Balancer::custom(nullptr);
          wool::WorkerPool(runtime, options);
        }) == WOOL_ERR_INVALID_ARGUMENT);
}

TEST(a_worker_program_serves_until_a_signal) {
  wool::Runtime runtime;
  add_routines(runtime);
  int started = 0;
  wool::run_worker(runtime, {}, wool::forever, [&](const wool::StartedWorker& worker) {
    started++;
    wool::PoolOptions options;
    options.addresses = {worker.address};
    wool::WorkerPool pool(runtime, options);
    CHECK(pool.call<std::string>("test.where") == worker.uid);
    CHECK(kill(getpid(), SIGTERM) == 0);
  });
  CHECK(started == 1);
  bool thrown = false;
  try {
    wool::run_worker(runtime, {}, wool::forever, [](const wool::StartedWorker&) { throw std::out_of_range("the fence"); });
  } catch (const std::out_of_range&) {
    thrown = true;
  }
  CHECK(thrown);
  wool::WorkerOptions nowhere;
  nowhere.bind = "nowhere";
  CHECK(failure("nowhere", [&] { wool::run_worker(runtime, nowhere); }) == WOOL_ERR_INVALID_ARGUMENT);
}
