// Generators in another process: iterated over, sent to, thrown at, closed, and read ahead.
#include <cstdint>
#include <exception>
#include <iostream>
#include <optional>
#include <stdexcept>

#include "wool.hpp"

// An error that the scale knows.
struct Reset : std::runtime_error {
  Reset() : std::runtime_error("take it all off") {}
};

template <>
struct wool::ErrorTraits<Reset> {
  static constexpr std::string_view name = "Reset";
  static Value encode(const Reset&) { return nullptr; }
  static Reset decode(const TaskError&) { return Reset(); }
};

// What the worker serves.
static void serve(wool::Runtime& runtime) {
  runtime.error<Reset>();
  runtime.stream("wool.count", [](std::int64_t to) {
    // Called whenever the caller asks for an item; destroyed when it leaves.
    return [n = std::int64_t{0}, to]() mutable { return n < to ? std::optional(++n) : std::nullopt; };
  });
  runtime.stream("wool.weigh", [] {
    return [total = std::int64_t{0}](const wool::Received<std::int64_t>& received) mutable {
      try {
        // What the caller sent; nothing for a plain next.
        total += received.get().value_or(0);
      } catch (const Reset&) {
        total = 0;
      }
      return std::optional(total);
    };
  });
}

static void call(wool::WorkerPool& pool) {
  auto numbers = pool.stream<std::int64_t>("wool.count", 1000);
  for (std::int64_t n : numbers) {
    std::cout << "pulled " << n << '\n';
    if (n == 3) break;
  }
  // Closes the generator, and waits for its clean-up; destroying the stream cancels it.
  numbers.close();

  auto scale = pool.stream<std::int64_t>("wool.weigh");
  std::cout << "nothing on it: " << scale.next().value() << '\n';
  std::cout << "put 4 on: " << scale.send(4).value() << '\n';
  std::cout << "put 3 on: " << scale.send(3).value() << '\n';
  std::cout << "reset: " << scale.throw_(Reset()).value() << '\n';
  scale.close();

  wool::CallOptions ahead;
  ahead.prefetch = 100;
  std::int64_t sum = 0;
  for (std::int64_t n : pool.stream<std::int64_t>(ahead, "wool.count", 1000)) sum += n;
  std::cout << "1 + ... + 1000 = " << sum << '\n';
}

int main() {
  try {
    wool::Runtime runtime;
    serve(runtime);
    if (wool::serve_if_spawned(runtime)) return 0;
    wool::PoolOptions options;
    options.spawn = 1;
    wool::WorkerPool pool(runtime, options);
    call(pool);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
