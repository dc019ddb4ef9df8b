// Routines that call routines: a recursion, a stream over streams, and a tree of tasks that ends with its root.
#include <cstdint>
#include <exception>
#include <iostream>
#include <optional>
#include <thread>

#include "wool.hpp"

// What the workers serve.
static void serve(wool::Runtime& runtime) {
  runtime.unary("wool.fib", [](wool::Task task, std::int64_t n) -> std::int64_t {
    if (n < 2) return n;
    // By the caller's pool, wherever that has a place for it.
    const auto a = task.call<std::int64_t>("wool.fib", n - 1);
    const auto b = task.call<std::int64_t>("wool.fib", n - 2);
    return a + b;
  });
  runtime.stream("wool.countdown", [](wool::Task task, std::int64_t n) {
    return [task, n, begun = false, rest = std::optional<wool::Stream<std::int64_t>>()]() mutable
           -> std::optional<std::int64_t> {
      if (!begun) {
        begun = true;
        return n;
      }
      if (n == 0) return std::nullopt;
      if (!rest) rest = task.stream<std::int64_t>("wool.countdown", n - 1);
      return rest->next();
    };
  });
  runtime.unary("wool.sleep", [](wool::Task task, std::int64_t depth) {
    if (depth > 0) task.call<void>("wool.sleep", depth - 1);
    while (!task.is_cancelled()) std::this_thread::sleep_for(wool::milliseconds(5));
  });
}

static void call(wool::WorkerPool& pool) {
  std::cout << "fib(10) = " << pool.call<std::int64_t>("wool.fib", 10) << '\n';

  std::cout << "countdown:";
  for (std::int64_t n : pool.stream<std::int64_t>("wool.countdown", 3)) std::cout << ' ' << n;
  std::cout << '\n';

  // Three tasks deep, and none is left of them.
  wool::CallOptions moment;
  moment.timeout = wool::milliseconds(200);
  try {
    pool.call<void>(moment, "wool.sleep", 2);
  } catch (const wool::Error& error) {
    std::cout << error.status_name() << '\n';
  }
}

int main() {
  try {
    wool::Runtime runtime;
    serve(runtime);
    if (wool::serve_if_spawned(runtime)) return 0;
    // One task at a time each: tasks that wait for their calls lend their places.
    wool::PoolOptions options;
    options.spawn = 2;
    options.concurrency = 1;
    wool::WorkerPool pool(runtime, options);
    call(pool);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
