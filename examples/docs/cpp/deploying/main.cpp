// Every worker is replaced while calls are made, and no call fails.
#include <unistd.h>

#include <cstdint>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "wool.hpp"

static wool::Worker serve(const wool::Runtime& runtime, const wool::Discovery& discovery) {
  wool::WorkerOptions options;
  options.publish = discovery;
  return wool::Worker(runtime, options);
}

static void wait_a_little() { std::this_thread::sleep_for(wool::milliseconds(5)); }

// Whether the pool is connected to a worker.
static bool is_up(const wool::WorkerPool& pool, const std::string& uid) {
  for (const wool::WorkerStatus& worker : pool.status().workers) {
    if (worker.uid == uid && worker.state == "up") return true;
  }
  return false;
}

// Starts a new worker, waits until the pool is connected to it, and drains the old one: that is not found any more, takes
// no new tasks, and lets those that run end.
static void replace_one(const wool::Runtime& runtime, const wool::Discovery& discovery, const wool::WorkerPool& pool,
                        wool::Worker& worker) {
  wool::Worker fresh = serve(runtime, discovery);
  while (!is_up(pool, fresh.uid())) wait_a_little();
  worker.stop(wool::milliseconds(10'000));
  worker = std::move(fresh);
}

// Makes calls, a few of them under way at any time.
static std::uint64_t make_calls(wool::WorkerPool& pool) {
  std::vector<std::int64_t> numbers(200);
  wool::MapOptions few;
  few.in_flight = 8;
  auto calls = pool.map<std::int64_t>("wool.card", numbers, few);
  while (calls.next()) continue;
  return calls.progress().failed;
}

static void run(const std::filesystem::path& directory) {
  wool::Runtime runtime;
  runtime.unary("wool.card", [](std::int64_t n) { return n; });
  const wool::LocalDiscovery discovery("flock", directory.string());
  std::vector<wool::Worker> workers;
  workers.push_back(serve(runtime, discovery));
  workers.push_back(serve(runtime, discovery));
  wool::PoolOptions options;
  options.discovery = discovery;
  options.quorum = 2;
  wool::WorkerPool pool(runtime, options);

  std::uint64_t failed = 0;
  std::thread load([&] { failed = make_calls(pool); });
  for (wool::Worker& worker : workers) replace_one(runtime, discovery, pool, worker);
  load.join();
  std::cout << "200 calls, " << failed << " failed\n";
  // The pool hears of the last one's end a little later.
  while (pool.status().workers.size() > 2) wait_a_little();
  std::cout << pool.status().workers.size() << " workers\n";
}

int main() {
  const auto directory =
      std::filesystem::temp_directory_path() / ("wool-deploying-" + std::to_string(getpid()));
  try {
    std::filesystem::create_directories(directory);
    run(directory);
    std::filesystem::remove_all(directory);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
