/* wool.hpp: credentials, who calls whom, and what one peer may take. */
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "world.hpp"

namespace {

static_assert(std::is_copy_constructible_v<wool::Credentials>);
static_assert(!std::is_convertible_v<wool_credentials_t*, wool::Credentials>);

constexpr wool::milliseconds hour{3600000};
/* The certificate of that name is for named.wool.example, and for no address. */
const std::string identity = "named.wool.example";

std::string in_certificates(const std::string& name) {
  const char* folder = std::getenv("WOOL_CERTS");
  CHECK(folder != nullptr);
  return std::string(folder) + "/" + name;
}

std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  CHECK(!text.str().empty());
  return text.str();
}

wool::CredentialsOptions files_of(const std::string& name) {
  wool::CredentialsOptions options;
  options.ca_file = in_certificates("ca.pem");
  options.certificate_file = in_certificates(name + ".pem");
  options.key_file = in_certificates(name + ".key");
  return options;
}

wool::CredentialsOptions texts_of(const std::string& name) {
  wool::CredentialsOptions options;
  options.ca = content(in_certificates("ca.pem"));
  options.certificate = content(in_certificates(name + ".pem"));
  options.key = content(in_certificates(name + ".key"));
  return options;
}

wool::Credentials credentials_of(const std::string& name) { return wool::Credentials(files_of(name)); }

/* A folder that goes with it. */
class Folder {
 public:
  Folder() {
    char name[] = "/tmp/wool-test-cpp-XXXXXX";
    CHECK(mkdtemp(name) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path;
};

/* Knows the one worker that is published, by its port alone. */
class Board : public wool::CustomDiscovery {
 public:
  void subscribe(wool::Subscription subscription) override {
    subscription.found(record_);
    subscription.scanned();
  }
  void publish(const wool::WorkerRecord& record, wool::Publication publication) override {
    record_ = record;
    publication.done();
  }

 private:
  wool::WorkerRecord record_;
};

/* Waits until the pool's only worker is known, has no session, and these words for its problem. */
void wait_for_trouble(const wool::WorkerPool& pool, const std::string& words) {
  for (;; sched_yield()) {
    const wool::PoolStatus status = pool.status();
    for (const wool::WorkerStatus& worker : status.workers) {
      if (worker.state != "up" && worker.problem.find(words) != std::string::npos) return;
    }
  }
}

}  // namespace

TEST(calls_go_by_tls_and_say_who_calls) {
  using Names = std::vector<std::string>;
  World world;
  world.runtime.unary("test.peer", [](wool::Task task) { return task.peer(); });
  world.runtime.unary("test.pid", [] { return getpid(); });
  world.runtime.unary("farm.shear", [] { return 1; });
  world.worker_options.credentials = credentials_of("worker");
  world.worker_options.callers = {"nobody.example", "*.wool.example"};
  world.worker_options.routine_callers = {{"test.pid", {"nobody.example"}}, {"test.*", {"caller.wool.example"}},
                                          {"farm.*", {"farmer.example", "named.wool.example"}}};
  world.worker_options.admit = [](const wool::AdmissionInfo& asked) {
    if (asked.peer == Names{"named.wool.example"} && asked.routine == "farm.shear") return wool::Admission::accept();
    if (asked.peer == Names{"caller.wool.example"}) return wool::Admission::accept();
    return wool::Admission::refuse("a stranger");
  };
  wool::PoolOptions options = address_of(world.worker());
  options.credentials = credentials_of("caller");
  wool::WorkerPool pool(world.runtime, options);
  CHECK(pool.call<Names>("test.peer") == Names{"caller.wool.example"});
  THROWS(WOOL_ERR_PERMISSION_DENIED, "test.pid", pool.call("test.pid"));
  THROWS(WOOL_ERR_PERMISSION_DENIED, "farm.shear", pool.call("farm.shear"));
  options.credentials = credentials_of("named");
  wool::WorkerPool other(world.runtime, options);
  CHECK(other.call<int>("farm.shear") == 1);
  THROWS(WOOL_ERR_PERMISSION_DENIED, "test.peer", other.call("test.peer"));
  /* Not of the callers. */
  options.credentials = credentials_of("worker");
  wool::WorkerPool third(world.runtime, options);
  wait_for_trouble(third, "does not let in callers of the names");

  World plain;
  plain.runtime.unary("test.peer", [](wool::Task task) { return task.peer(); });
  CHECK(plain.pool().call<Names>("test.peer").empty());
}

TEST(bad_options_are_told) {
  const auto refused = [](const char* words, const wool::CredentialsOptions& options) {
    THROWS(WOOL_ERR_INVALID_ARGUMENT, words, wool::Credentials(options));
  };
  refused("empty", {});
  wool::CredentialsOptions twice = files_of("worker"), negative = files_of("worker"), both = files_of("worker"), way, nowhere;
  twice.ca = "x";
  refused("as text and as a file", twice);
  negative.poll = wool::milliseconds(-1);
  refused("poll is negative", negative);
  both.provide = [] { return files_of("worker"); };
  refused("parts and provide", both);
  way.one_way = true;
  way.provide = both.provide;
  refused("one_way and provide", way);
  nowhere.ca_file = "/nowhere/ca.pem";
  THROWS(WOOL_ERR_IO, "/nowhere/ca.pem", wool::Credentials(nowhere));

  wool::Runtime runtime;
  const auto no_worker = [&](const char* words, const wool::WorkerOptions& options) {
    THROWS(WOOL_ERR_INVALID_ARGUMENT, words, wool::Worker(runtime, options));
  };
  wool::WorkerOptions callers, stoppers, nobody, plain;
  callers.credentials = stoppers.credentials = nobody.credentials = credentials_of("worker");
  callers.callers = {"*.a.*"};
  no_worker("no pattern", callers);
  stoppers.stoppers = {""};
  no_worker("no pattern", stoppers);
  stoppers.stoppers = {"operator.example"};
  wool::Worker(runtime, stoppers).stop();
  nobody.routine_callers = {{"farm.shear", {}}};
  no_worker("no callers for the routine \"farm.shear\"", nobody);
  plain.stoppers = {"operator.example"};
  no_worker("stoppers", plain);
  wool::PoolOptions pool;
  pool.addresses = {"127.0.0.1:1"};
  pool.peers = {"*"};
  pool.peer_check = [](const wool::PeerInfo&) { return true; };
  THROWS(WOOL_ERR_INVALID_ARGUMENT, "options.peers", wool::WorkerPool(runtime, pool));
}

TEST(copies_are_renewed_together_and_tell_their_problem) {
  const Folder folder;
  wool::CredentialsOptions options;
  options.ca_file = folder.path + "/ca.pem";
  options.poll = hour;
  std::filesystem::copy_file(in_certificates("ca.pem"), options.ca_file);
  wool::Credentials credentials(options);
  wool::Credentials copy = credentials;
  CHECK(!credentials.reload() && !credentials.problem());
  std::ofstream(options.ca_file) << "no certificate";
  THROWS(WOOL_ERR_INVALID_ARGUMENT, "holds no certificate", copy.reload());
  const std::optional<wool::Error> problem = credentials.problem();
  CHECK(problem && problem->status() == WOOL_ERR_INVALID_ARGUMENT);
  CHECK(std::string(problem->what()).find("holds no certificate") != std::string::npos);
  copy.update(texts_of("caller"));
  CHECK(!credentials.problem());
  THROWS(WOOL_ERR_INVALID_ARGUMENT, "empty", credentials.update({}));
  CHECK(copy.problem());
  wool::CredentialsOptions provided;
  provided.provide = [] { return texts_of("caller"); };
  THROWS(WOOL_ERR_INVALID_ARGUMENT, "provide is for new credentials", credentials.update(provided));
}

TEST(what_is_provided_is_used_and_what_is_thrown_is_told) {
  auto token = std::make_shared<int>(5);
  const std::weak_ptr<int> seen = token;
  std::atomic<int> asked{0}, way{0};
  wool::CredentialsOptions options;
  options.poll = hour;
  options.provide = [&asked, &way, token] {
    asked++;
    switch (way) {
      case 1: throw std::runtime_error("the store is shut");
      case 2: throw std::runtime_error("");
      case 3: throw 42;
      case 4: return texts_of("caller");
      default: return texts_of("worker");
    }
  };
  token.reset();
  {
    std::optional<wool::Credentials> credentials(options);
    World world;
    world.runtime.unary("test.add", [](int a, int b) { return a + b; });
    world.worker_options.credentials = credentials;
    wool::PoolOptions pool_options = address_of(world.worker());
    pool_options.credentials = credentials_of("caller");
    wool::WorkerPool pool(world.runtime, pool_options);
    CHECK(pool.call<int>("test.add", 1, 2) == 3);
    CHECK(!credentials->reload() && asked == 2);
    way = 1;
    THROWS(WOOL_ERR_IO, "the store is shut", credentials->reload());
    CHECK(std::string(credentials->problem()->what()).find("the store is shut") != std::string::npos);
    way = 2;
    THROWS(WOOL_ERR_IO, "without a message", credentials->reload());
    way = 3;
    THROWS(WOOL_ERR_IO, "no std::exception", credentials->reload());
    THROWS(WOOL_ERR_IO, "no std::exception", wool::Credentials(options));
    CHECK(pool.call<int>("test.add", 1, 2) == 3);
    way = 4;
    CHECK(credentials->reload() && !credentials->problem());
    options.provide = nullptr;
    CHECK(!seen.expired());
    credentials->update(texts_of("worker"));
    CHECK(seen.expired());
  }
}

TEST(a_provider_is_asked_over_and_over) {
  std::atomic<int> asked{0};
  const std::shared_ptr<flag_t> thrice = new_flag();
  wool::CredentialsOptions options;
  options.poll = wool::milliseconds(10);
  options.provide = [&asked, thrice] {
    if (++asked == 3) flag_raise(thrice.get());
    return files_of("worker");
  };
  World world;
  world.worker_options.credentials = wool::Credentials(options);
  world.worker();
  flag_wait(thrice.get());
  world.runtime.close();
}

TEST(a_check_decides_which_identities_are_believed) {
  const wool::Discovery yard = wool::Discovery::custom(std::make_shared<Board>());
  wool::Runtime serves;
  serves.unary("test.add", [](int a, int b) { return a + b; });
  wool::WorkerOptions named;
  named.credentials = credentials_of("named");
  named.identity = identity;
  named.publish = yard;
  wool::Worker worker(serves, named);
  const std::string uid = worker.uid();

  auto token = std::make_shared<int>(5);
  const std::weak_ptr<int> seen = token;
  std::atomic<int> way{0};
  wool::PoolOptions options;
  options.discovery = yard;
  options.credentials = credentials_of("caller");
  options.peer_check = [&way, uid, token](const wool::PeerInfo& peer) {
    CHECK(peer.identity == identity && peer.uid == uid);
    switch (way) {
      case 0: return false;
      case 1: throw std::runtime_error("the dog sleeps");
      case 2: throw std::runtime_error("\xff");
      case 3: throw 42;
      default: return true;
    }
  };
  token.reset();
  wool::Runtime runtime;
  wool::WorkerPool pool(runtime, options);
  options.peer_check = nullptr;
  wait_for_trouble(pool, "it is for named.wool.example, and not for");
  way = 1;
  wait_for_trouble(pool, "could not be decided: the dog sleeps");
  way = 2;
  wait_for_trouble(pool, "it threw an exception whose message is not UTF-8");
  way = 3;
  wait_for_trouble(pool, "it threw what is no std::exception");
  way = 4;
  CHECK(pool.call<int>("test.add", 1, 2) == 3 && !seen.expired());
  pool.close();
  CHECK(seen.expired());

  /* The same by a pattern. */
  options.peers = {"*.wool.example"};
  wool::WorkerPool by_pattern(runtime, options);
  CHECK(by_pattern.call<int>("test.add", 20, 22) == 42);
}

TEST(a_peer_has_so_many_sessions) {
  World world;
  world.worker_options.credentials = credentials_of("worker");
  world.worker_options.peer_sessions = 1;
  world.runtime.unary("test.add", [](int a, int b) { return a + b; });
  wool::PoolOptions options = address_of(world.worker());
  options.credentials = credentials_of("caller");
  wool::WorkerPool first(world.runtime, options);
  CHECK(first.call<int>("test.add", 1, 2) == 3);
  wool::WorkerPool second(world.runtime, options);
  wait_for_trouble(second, "caller.wool.example has 1 sessions with this worker");
}
