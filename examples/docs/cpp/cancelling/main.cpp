// Calls whose time is up, and a stream that is given up: the routine is told, and the worker is free again.
#include <cstdint>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "wool.hpp"

using std::chrono::milliseconds;

// Waits for ever; or rather until it is to stop, which a routine that blocks has to ask from time to time.
static void wait(const wool::Task& task) {
  while (!task.is_cancelled()) std::this_thread::sleep_for(milliseconds(5));
}

// What the worker serves.
static void serve(wool::Runtime& runtime) {
  runtime.unary("wool.wait", wait);
  runtime.unary("wool.shear", [] { return "done"; });
  runtime.stream("wool.stall", [](const wool::Task& task) {
    return [task, begun = false]() mutable -> std::optional<std::string> {
      if (begun) wait(task);
      begun = true;
      return "an item";
    };
  });
}

static void call(wool::WorkerPool& pool) {
  // The whole budget of a call, told to the worker and kept there, too.
  wool::CallOptions moment;
  moment.timeout = milliseconds(200);
  try {
    pool.call<void>(moment, "wool.wait");
  } catch (const wool::Error& error) {
    std::cout << "the call: " << wool_status_name(error.status()) << '\n';
  }

  // The budget of each step of a stream.
  wool::CallOptions steps;
  steps.step_timeout = milliseconds(1000);
  auto stalls = pool.stream<std::string>(steps, "wool.stall");
  std::cout << "the step: " << stalls.next().value() << '\n';
  try {
    stalls.next();
  } catch (const wool::Error& error) {
    std::cout << "the step: " << wool_status_name(error.status()) << '\n';
  }

  // From another thread, also while a next waits.
  auto given_up = pool.stream<std::string>("wool.stall");
  std::cout << "the stream: " << given_up.next().value() << '\n';
  std::thread other([&] { given_up.cancel(); });
  try {
    given_up.next();
  } catch (const wool::Error& error) {
    std::cout << "the stream: " << wool_status_name(error.status()) << '\n';
  }
  other.join();

  // The worker runs one task at a time: this one begins when the routines before it have stopped.
  std::cout << pool.call<std::string>("wool.shear") << '\n';
}

int main() {
  try {
    wool::Runtime runtime;
    serve(runtime);
    if (wool::serve_if_spawned(runtime)) return 0;
    wool::PoolOptions options;
    options.spawn = 1;
    options.concurrency = 1;
    wool::WorkerPool pool(runtime, options);
    call(pool);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
