// Two routines, and calls to them in other processes: the pool starts this program again, once per core, to be its
// workers.
#include <cstdint>
#include <exception>
#include <iostream>
#include <optional>

#include "wool.hpp"

static void run() {
  wool::Runtime runtime;
  runtime.unary("calc.add", [](std::int64_t a, std::int64_t b) { return a + b; });
  runtime.stream("calc.countdown", [](std::int64_t from) {
    // Called whenever the caller asks for the next item.
    return [n = from]() mutable { return n > 0 ? std::optional(n--) : std::nullopt; };
  });

  // A process that was started to be a worker serves the routines here, and is done.
  if (wool::serve_if_spawned(runtime)) return;

  wool::WorkerPool pool(runtime);
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
