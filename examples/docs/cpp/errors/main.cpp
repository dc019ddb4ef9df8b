// Errors across processes: one of the program's own, one that is none, and what is said of their cause.
#include <cstdint>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>

#include "wool.hpp"

struct OutOfStock : std::runtime_error {
  OutOfStock(std::string what, std::int64_t rest)
      : std::runtime_error("only " + std::to_string(rest) + " of " + what + " left"), item(std::move(what)), left(rest) {}
  std::string item;
  std::int64_t left;
};

// Known by its name in every language, with its data.
template <>
struct wool::ErrorTraits<OutOfStock> {
  static constexpr std::string_view name = "wool.OutOfStock";
  static Value encode(const OutOfStock& error) { return Map{{"item", error.item}, {"left", error.left}}; }
  static OutOfStock decode(const TaskError& error) {
    const auto data = error.value().value().as<std::map<std::string, Value>>();
    return OutOfStock(data.at("item").as<std::string>(), data.at("left").as<std::int64_t>());
  }
};

// What the worker serves.
static void serve(wool::Runtime& runtime) {
  runtime.error<OutOfStock>();
  runtime.unary("wool.order", [](std::string item, std::int64_t count) {
    const std::int64_t left = 3;
    if (count > left) throw OutOfStock(item, left);
    return left - count;
  });
  runtime.unary("wool.parse", [](std::string text) {
    try {
      return static_cast<std::int64_t>(std::stoll(text));
    } catch (...) {
      // What it nests travels as its cause.
      std::throw_with_nested(std::runtime_error("no number: " + text));
    }
  });
  runtime.unary("wool.break", []() -> std::int64_t { throw "the shears"; });
}

static void call(wool::WorkerPool& pool) {
  try {
    pool.call<std::int64_t>("wool.order", "yarn", 5);
  } catch (const OutOfStock& error) {
    // Whatever the worker is written in, where it raises an error of this name.
    std::cout << error.item << ": " << error.left << " left\n";
  }

  try {
    pool.call<std::int64_t>("wool.parse", "a lot");
  } catch (const wool::TaskError& error) {
    std::cout << error.type() << " in " << error.language() << ": " << error.what() << '\n';
  }

  // What is no error harms its task, and nothing else.
  try {
    pool.call<std::int64_t>("wool.break");
  } catch (const wool::TaskError& error) {
    std::cout << error.what() << '\n';
  }
  std::cout << pool.call<std::int64_t>("wool.order", "yarn", 2) << " left\n";
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
