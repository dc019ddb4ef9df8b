// A worker and its caller in one program. Either half works alone, in two processes and two languages.
#include <cstdint>
#include <exception>
#include <iostream>
#include <optional>

#include "wool.hpp"

static void run() {
  wool::Runtime runtime;

  // The worker: functions, and where to find them.
  runtime.unary("calc.add", [](std::int64_t a, std::int64_t b) { return a + b; });
  runtime.stream("calc.countdown", [](std::int64_t from) {
    // Called whenever the caller asks for the next item.
    return [n = from]() mutable { return n > 0 ? std::optional(n--) : std::nullopt; };
  });
  wool::Worker worker(runtime);

  // The caller: a pool of workers, and calls by name.
  wool::WorkerPool pool(runtime, {{worker.address()}});
  std::cout << "1 + 2 = " << pool.call<std::int64_t>("calc.add", 1, 2) << '\n';
  for (std::int64_t n : pool.stream<std::int64_t>("calc.countdown", 3)) std::cout << n << '\n';
}

int main() {
  try {
    run();
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
