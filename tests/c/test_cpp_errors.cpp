/* wool.hpp: what routines throw, and exception classes that travel with their data. */
#include <cstddef>
#include <exception>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "own_error.hpp"

namespace {

/* A caller that knows none of the classes. */
class Stranger {
 public:
  explicit Stranger(World& world) : pool_(runtime_, address_of(world.worker())) {}
  wool::WorkerPool& pool() { return pool_; }

 private:
  wool::Runtime runtime_;
  wool::WorkerPool pool_;
};

void know_all(wool::Runtime& runtime) {
  runtime.error<OutOfStock>();
  runtime.error<Flood>();
  runtime.error<Odd>();
  runtime.error<Mud>();
}

template <class Thrown>
auto throwing(Thrown thrown) {
  return [thrown]() -> int { throw thrown; };
}

wool::TaskError failure_of(wool::WorkerPool& pool, const char* routine) {
  try {
    pool.call<void>(routine);
  } catch (const wool::TaskError& error) {
    return error;
  }
  check_fail(__FILE__, __LINE__, "did not throw");
}

}  // namespace

TEST(a_class_that_is_known_comes_as_itself) {
  World world;
  know_all(world.runtime);
  world.runtime.unary("test.stock", throwing(OutOfStock("shears", 1)));
  world.runtime.unary("test.flood", throwing(Flood(1.5)));
  world.runtime.unary("test.mud", throwing(Mud{7}));
  throws<OutOfStock>([&] { world.pool().call("test.stock"); }, [](const OutOfStock& error) {
    CHECK(error.item == "shears" && error.left == 1 && std::string(error.what()) == "shears: 1 left");
    throws<wool::TaskError>([&] { std::rethrow_if_nested(error); }, [](const wool::TaskError& told) {
      CHECK(told.type() == "conf.OutOfStock" && told.language() == "cpp" && told.status() == WOOL_ERR_TASK_FAILED);
    });
  });
  throws<Flood>([&] { world.pool().call("test.flood"); }, [](const Flood& error) {
    CHECK(error.metres > 1.4 && error.language() == "cpp" && error.type() == "test.Flood");
  });
  throws<wool::TaskError>([&] { world.pool().call("test.flood"); }, [](const wool::TaskError&) {});
  throws<std::exception>([&] { world.pool().call("test.stock"); }, [](const std::exception&) {});
  throws<Mud>([&] { world.pool().call("test.mud"); }, [](const Mud& mud) { CHECK(mud.depth == 7); });
}

TEST(who_does_not_know_a_class_gets_its_name_and_data) {
  World world;
  know_all(world.runtime);
  world.runtime.unary("test.stock", throwing(OutOfStock("shears", 1)));
  world.runtime.unary("test.mud", throwing(Mud{7}));
  Stranger stranger(world);
  const wool::TaskError stock = failure_of(stranger.pool(), "test.stock");
  CHECK(stock.type() == "conf.OutOfStock" && std::string(stock.what()) == "shears: 1 left");
  CHECK(stock.value()->as<wool::Map>().at(0).value.as<std::string>() == "shears" && stock.cause() == nullptr);
  const wool::TaskError mud = failure_of(stranger.pool(), "test.mud");
  CHECK(mud.type() == "test.Mud" && std::string(mud.what()) == "test.Mud" && mud.value()->as<int>() == 7);
}

TEST(a_class_is_known_under_its_name_whoever_threw_it) {
  World world;
  world.runtime.error<OutOfStock>();
  world.runtime.unary("test.other", []() -> int {
    throw wool::TaskError("conf.OutOfStock", "said by hand", wool::Map{{"item", "hay"}, {"left", 2}});
  });
  world.runtime.unary("test.misfit", []() -> int { throw wool::TaskError("conf.OutOfStock", "data of another kind", 5); });
  world.runtime.unary("test.empty", []() -> int { throw wool::TaskError("conf.OutOfStock", "no data"); });
  throws<OutOfStock>([&] { world.pool().call("test.other"); }, [](const OutOfStock& error) { CHECK(error.item == "hay"); });
  /* What does not fit the class is told as it is. */
  CHECK(failure_of(world.pool(), "test.misfit").value()->as<int>() == 5);
  const wool::TaskError empty = failure_of(world.pool(), "test.empty");
  CHECK(!empty.value() && empty.type() == "conf.OutOfStock" && std::string(empty.what()) == "no data");
}

TEST(data_that_cannot_be_encoded_is_lost_and_nothing_else) {
  World world;
  know_all(world.runtime);
  world.runtime.unary("test.odd", throwing(Odd("odd")));
  const wool::TaskError odd = failure_of(world.pool(), "test.odd");
  CHECK(odd.type() == "test.Odd" && std::string(odd.what()) == "odd" && !odd.value());
}

TEST(a_name_is_registered_once) {
  wool::Runtime runtime;
  runtime.error<OutOfStock>();
  THROWS(WOOL_ERR_ALREADY_EXISTS, "\"conf.OutOfStock\" is registered already", runtime.error<OutOfStock>());
  wool::Runtime other;
  other.error<OutOfStock>();
  runtime = std::move(other);
  THROWS(WOOL_ERR_ALREADY_EXISTS, "conf.OutOfStock", runtime.error<OutOfStock>());
  runtime.error<Flood>();
}

TEST(an_error_passes_through_a_routine_as_it_came) {
  World world;
  know_all(world.runtime);
  world.runtime.unary("test.stock", throwing(OutOfStock("shears", 1)));
  world.runtime.unary("test.flood", throwing(Flood(1.5)));
  world.runtime.unary("test.relay", [&](const std::string& routine) { return world.pool().call(routine); });
  throws<OutOfStock>([&] { world.pool().call("test.relay", "test.stock"); }, [](const OutOfStock& error) {
    CHECK(error.left == 1);
    throws<wool::TaskError>([&] { std::rethrow_if_nested(error); },
                            [](const wool::TaskError& told) { CHECK(told.cause() == nullptr); });
  });
  throws<Flood>([&] { world.pool().call("test.relay", "test.flood"); }, [](const Flood& error) {
    CHECK(error.metres > 1.4 && error.cause() == nullptr);
  });
}

TEST(known_classes_are_causes_too) {
  World world;
  know_all(world.runtime);
  world.runtime.unary("test.nested", []() -> int {
    try {
      throw OutOfStock("shears", 1);
    } catch (...) {
      std::throw_with_nested(std::logic_error("cannot shear"));
    }
  });
  const wool::TaskError error = failure_of(world.pool(), "test.nested");
  CHECK(error.type() == "std::logic_error" && error.cause() != nullptr && error.cause()->cause() == nullptr);
  CHECK(error.cause()->type() == "conf.OutOfStock");
  CHECK(error.cause()->value()->as<wool::Map>().at(1).value.as<int>() == 1);
}

TEST(whatever_is_thrown_harms_one_task) {
  World world;
  struct Wordless : std::exception {
    const char* what() const noexcept override { return nullptr; }
  };
  world.runtime.unary("test.int", throwing(42));
  world.runtime.unary("test.nullptr", throwing(nullptr));
  world.runtime.unary("test.text", throwing(static_cast<const char*>("baa")));
  world.runtime.unary("test.no_text", throwing(static_cast<const char*>(nullptr)));
  world.runtime.unary("test.string", throwing(std::string("baa")));
  world.runtime.unary("test.not_utf8", throwing(std::runtime_error("\xff\xfe")));
  world.runtime.unary("test.wordless", throwing(Wordless()));
  world.runtime.unary("test.pointer", throwing(std::make_shared<int>(5)));
  world.runtime.unary("test.huge", throwing(std::runtime_error(std::string(std::size_t{10} << 20, 'x'))));
  world.runtime.unary("test.unsendable", [] { return std::string("\xff"); });
  world.runtime.unary("test.add", [](int a, int b) { return a + b; });
  const auto is = [&](const char* routine, const char* type, const char* message) {
    const wool::TaskError error = failure_of(world.pool(), routine);
    if (error.type() != type || std::string(error.what()).find(message) == std::string::npos) {
      std::fprintf(stderr, "%s: %s: %.200s\n", routine, error.type().c_str(), error.what());
      check_fail(__FILE__, __LINE__, "another error");
    }
  };
  is("test.int", "int", "an exception of type int was thrown");
  is("test.nullptr", "std::nullptr_t", "nullptr was thrown");
  is("test.text", "const char*", "baa");
  is("test.no_text", "const char*", "");
  is("test.string", "std::string", "baa");
  is("test.huge", "std::runtime_error", "more bytes");
  CHECK(failure_of(world.pool(), "test.wordless").type().find("Wordless") != std::string::npos);
  CHECK(failure_of(world.pool(), "test.pointer").type().find("shared_ptr") != std::string::npos);
  CHECK(failure_of(world.pool(), "test.not_utf8").status() == WOOL_ERR_TASK_FAILED);
  THROWS(WOOL_ERR_CODEC, "UTF-8", world.pool().call("test.unsendable"));
  CHECK(world.pool().call<int>("test.add", 1, 2) == 3);
}

TEST(an_error_of_ones_own_is_made_without_a_class) {
  World world;
  world.runtime.unary("test.hand", []() -> int { throw wool::TaskError("farm.Fox", "came at night", wool::List{1, "two"}); });
  const wool::TaskError error = failure_of(world.pool(), "test.hand");
  CHECK(error.type() == "farm.Fox" && error.value()->as<wool::List>().size() == 2 && !error.retryable());
  THROWS(WOOL_ERR_CODEC, "UTF-8", wool::TaskError("farm.Fox", "", "\xff"));
  /* Data that is none: an error can still be read. */
  const std::uint8_t none = 0xc1;
  const wool_payload_t payload = {{&none, 1}, WOOL_CODEC_MSGPACK};
  wool_fault_t fault = WOOL_FAULT_INIT;
  fault.value = &payload;
  wool_error_t* made = nullptr;
  CHECK(wool_error_new(&fault, &made, nullptr) == WOOL_OK);
  const wool::Error copied = wool::Error::copy(WOOL_ERR_TASK_FAILED, made);
  wool_error_free(made);
  CHECK(copied.encoded_value().size() == 1 && copied.codec() == WOOL_CODEC_MSGPACK);
  THROWS(WOOL_ERR_CODEC, "", copied.value());
}
