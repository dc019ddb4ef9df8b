// A program that is a worker: it serves until SIGTERM, finishes what runs, and leaves.
#include <csignal>
#include <cstdint>
#include <exception>
#include <iostream>

#include "wool.hpp"

int main() {
  try {
    wool::Runtime runtime;
    runtime.unary("wool.card", [](std::int64_t sheep) { return sheep; });
    wool::WorkerOptions options;
    options.publish = wool::Discovery::local("docs-cpp-worker");
    wool::run_worker(runtime, options, std::chrono::seconds(30), [](const wool::StartedWorker& worker) {
      // Callers can connect. (This example is to end by itself, so it does what its operator would.)
      std::cout << "serves: " << !worker.address.empty() << '\n';
      std::raise(SIGTERM);
    });
    std::cout << "drained\n";
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
