// A worker with limits: how many tasks it runs at once, whom it lets in, how large arguments may be; and what its callers
// see of that.
#include <atomic>
#include <cstdint>
#include <exception>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "wool.hpp"

// What the worker serves.
static void serve(wool::Runtime& runtime) {
  runtime.unary("wool.card", [](wool::Value fleece) { return fleece; });
  // Computes for a moment only: it runs on the I/O thread, and saves two changes of threads.
  wool::RoutineOptions small;
  small.on_io_thread = true;
  runtime.unary("wool.grams", [](std::int64_t ounces) { return ounces * 28; }, small);
  // May block its thread, or compute for long: routines run on threads of their own, RuntimeOptions::routine_threads.
  runtime.unary("wool.spin", [](std::int64_t turns) {
    std::int64_t yarn = 0;
    for (std::int64_t turn = 1; turn <= turns; turn++) yarn = (yarn * 31 + turn) % 1'000'003;
    return yarn;
  });
}

// Decides by the label of the call.
static wool::Admission admit(const wool::AdmissionInfo& call) {
  if (call.tag == "guest") return wool::Admission::refuse(call.routine + " is not for guests");
  if (call.tag == "batch") return wool::Admission::busy("no batches during the day");
  return wool::Admission::accept();
}

// A burst waits for places instead of failing.
static int burst(wool::WorkerPool& pool) {
  std::atomic<int> succeeded{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 20; caller++) {
    callers.emplace_back([&] {
      for (std::int64_t n = 0; n < 50; n++) {
        if (pool.call<std::int64_t>("wool.card", n) == n) succeeded++;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  return succeeded;
}

static void refused(wool::WorkerPool& pool, const std::string& tag, const wool::Value& fleece) {
  wool::CallOptions options;
  options.tag = tag;
  options.dispatch_timeout = wool::milliseconds(300);
  try {
    pool.call(options, "wool.card", fleece);
  } catch (const wool::Error& error) {
    std::cout << wool_status_name(error.status()) << ", never started: " << error.retryable() << '\n';
  }
}

int main() {
  try {
    wool::Runtime runtime;
    serve(runtime);
    wool::WorkerOptions limits;
    limits.concurrency = 4;
    limits.max_payload = 1 << 20;
    limits.admit = admit;
    wool::Worker worker(runtime, limits);
    wool::PoolOptions options;
    options.addresses = {worker.address()};
    wool::WorkerPool pool(runtime, options);

    std::cout << burst(pool) << " of 1000 calls succeeded\n";
    std::cout << pool.call<std::int64_t>("wool.grams", 16) << " grams\n";
    std::cout << "spun " << pool.call<std::int64_t>("wool.spin", 1000) << '\n';
    refused(pool, "guest", "fleece");
    refused(pool, "batch", "fleece");
    refused(pool, "", wool::Bytes(2 << 20));
    pool.close();
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
