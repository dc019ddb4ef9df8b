/* Exception classes of the tests that travel with their data. */
#ifndef OWN_ERROR_HPP
#define OWN_ERROR_HPP

#include <stdexcept>
#include <string>
#include <utility>

#include "world.hpp"

/* One that knows nothing of wool. */
struct OutOfStock : std::runtime_error {
  OutOfStock(std::string item_, int left_)
      : std::runtime_error(item_ + ": " + std::to_string(left_) + " left"), item(std::move(item_)), left(left_) {}
  std::string item;
  int left;
};

/* One that is a wool::TaskError, too. */
struct Flood : wool::TaskError {
  explicit Flood(double metres_) : wool::TaskError("test.Flood", "the meadow is under water"), metres(metres_) {}
  explicit Flood(const wool::TaskError& error) : wool::TaskError(error), metres(error.value().value().as<double>()) {}
  double metres;
};

/* One whose data cannot be encoded, nor decoded. */
struct Odd : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/* One that is no std::exception. */
struct Mud {
  int depth;
};

template <>
struct wool::ErrorTraits<OutOfStock> {
  static constexpr std::string_view name = "conf.OutOfStock";
  static Value encode(const OutOfStock& error) { return Map{{"item", error.item}, {"left", error.left}}; }
  static OutOfStock decode(const TaskError& error) {
    const Map data = error.value().value().as<Map>();
    return OutOfStock(data.at(0).value.as<std::string>(), data.at(1).value.as<int>());
  }
};

template <>
struct wool::ErrorTraits<Flood> {
  static constexpr std::string_view name = "test.Flood";
  static Value encode(const Flood& error) { return error.metres; }
  static Flood decode(const TaskError& error) { return Flood(error); }
};

template <>
struct wool::ErrorTraits<Odd> {
  static constexpr std::string_view name = "test.Odd";
  static Value encode(const Odd&) { return "\xff"; }
  static Odd decode(const TaskError&) { throw 42; }
};

template <>
struct wool::ErrorTraits<Mud> {
  static constexpr std::string_view name = "test.Mud";
  static Value encode(const Mud& mud) { return mud.depth; }
  static Mud decode(const TaskError& error) { return {error.value().value().as<int>()}; }
};

/* The expression throws an E, which is looked at. */
template <class E, class Expression, class Look>
void throws(Expression expression, Look look) {
  try {
    expression();
  } catch (const E& error) {
    look(error);
    return;
  }
  check_fail(__FILE__, __LINE__, "did not throw");
}

#endif
