// Many calls at once: one for each input, one for each worker, and one for a certain worker.
#include <cstdint>
#include <exception>
#include <iostream>
#include <string>

#include "wool.hpp"

// What the workers serve.
static void serve(wool::Runtime& runtime) {
  runtime.unary("wool.square", [](std::int64_t n) { return n * n; });
  runtime.unary("wool.where", [](wool::Task task) { return task.worker(); });
}

static void call(wool::WorkerPool& pool) {
  wool::MapOptions few;
  few.in_flight = 4;
  few.ordered = true;
  // Any range will do; inputs are taken when they can be called.
  const std::int64_t numbers[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  auto squares = pool.map<std::int64_t>("wool.square", numbers, few);
  for (const auto& square : squares) std::cout << (square.index == 0 ? "" : " ") << square.value();
  const wool::MapProgress progress = squares.progress();
  std::cout << '\n' << progress.done << " of " << progress.added << " done, " << progress.failed << " failed\n";

  int count = 0;
  std::string uid;
  for (const auto& answer : pool.broadcast<std::string>("wool.where")) {
    uid = answer.value();
    count++;
  }
  std::cout << count << " workers answered\n";

  wool::CallOptions there;
  there.worker = uid;
  const bool is_that_one = pool.call<std::string>(there, "wool.where") == uid;
  std::cout << "it was that one: " << std::boolalpha << is_that_one << '\n';
}

int main() {
  try {
    wool::Runtime runtime;
    serve(runtime);
    if (wool::serve_if_spawned(runtime)) return 0;
    wool::PoolOptions options;
    options.spawn = 2;
    options.quorum = 2;
    wool::WorkerPool pool(runtime, options);
    call(pool);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
