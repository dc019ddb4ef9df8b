/* wool.hpp, over the wire to a worker in this process. */
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "world.hpp"

namespace {

static_assert(!std::is_copy_constructible_v<wool::Runtime> && std::is_nothrow_move_constructible_v<wool::Runtime>);
static_assert(!std::is_copy_constructible_v<wool::Worker> && std::is_nothrow_move_assignable_v<wool::Worker>);
static_assert(!std::is_copy_constructible_v<wool::WorkerPool> && std::is_nothrow_move_assignable_v<wool::WorkerPool>);
static_assert(!std::is_copy_constructible_v<wool::Stream<int>> && std::is_nothrow_move_assignable_v<wool::Stream<int>>);
static_assert(std::is_nothrow_copy_constructible_v<wool::Error>);

struct Point {
  double x;
  double y;
};

struct Vertex {
  double x;
  double y;
};

struct Sheep {
  std::string name;
  Point at;
  std::optional<double> weight;
  std::vector<Sheep> lambs;
};

struct Shears : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Stone {};

wool::Error failure_of(wool::WorkerPool& pool, const char* routine) {
  try {
    pool.call<void>(routine);
  } catch (const wool::Error& error) {
    return error;
  }
  check_fail(__FILE__, __LINE__, "did not throw");
}

/* 0, 1, 2, ...; the flag tells of its clean-up. */
auto endless(flag_t* cleaned) {
  return [cleaned] {
    return [end = RaisesAtEnd(cleaned), n = 0]() mutable { return std::optional(n++); };
  };
}

}  // namespace

template <>
struct wool::Codec<Point> {
  static Value encode(const Point& point) { return List{point.x, point.y}; }
  static Point decode(const Value& value) {
    const auto [x, y] = value.as<std::tuple<double, double>>();
    return {x, y};
  }
};

template <>
struct wool::Fields<Sheep> {
  static constexpr auto list = std::tuple(field("name", &Sheep::name), field("at", &Sheep::at),
                                          field("weight", &Sheep::weight), field("lambs", &Sheep::lambs));
};

template <>
struct wool::Fields<Vertex> {
  static constexpr auto list = std::tuple(field("x", &Vertex::x), field("y", &Vertex::y));
};

/* The example of docs/values.md. */
TEST(routines_take_structs_and_names) {
  World world;
  world.runtime.unary("geometry.scale", [](std::vector<Vertex> points, std::optional<double> factor) {
    for (Vertex& point : points) point = {point.x * factor.value_or(1), point.y * factor.value_or(1)};
    return points;
  }, {"Scales points.", {"points", "factor"}});
  const std::vector<Vertex> points{{1, 2}};
  const auto scaled =
      world.pool().call<std::vector<Vertex>>("geometry.scale", points, wool::Named{{"factor", 10}});
  CHECK(scaled.at(0).x > 9.9 && scaled.at(0).y > 19.9);
  THROWS(WOOL_ERR_TASK_FAILED, "geometry.scale: argument 1 \"points\" ($[0][0]): expected map, found string",
         world.pool().call("geometry.scale", wool::List{"north"}));
}

TEST(structs_are_maps) {
  using namespace wool;
  const Sheep dolly{"Dolly", {1, 2}, 80.5, {Sheep{"Bonnie", {3, 4}, {}, {}}}};
  const Value value = Codec<Sheep>::encode(dolly);
  const Map map = value.as<Map>();
  CHECK(map.size() == 4 && map.at(0).key.as<std::string>() == "name" && map.at(2).value.as<double>() > 80);
  const Sheep back = decode(encode(value)).as<Sheep>();
  CHECK(back.name == "Dolly" && back.at.y > 1.9 && back.lambs.at(0).name == "Bonnie" && !back.lambs.at(0).weight);
  const auto sheep = [](Value name) {
    return Map{{"lambs", List{}}, {"at", List{0, 0}}, {"name", std::move(name)}, {"unknown", 1}, {7, nullptr}};
  };
  CHECK(Value(sheep("a")).as<Sheep>().name == "a");
  THROWS(WOOL_ERR_CODEC, "$.name: expected string, found int", Value(sheep(1)).as<Sheep>());
  THROWS(WOOL_ERR_CODEC, "$.name: the field is missing", Value(Map{}).as<Sheep>());
  THROWS(WOOL_ERR_CODEC, "expected map, found list", Value(List{}).as<Sheep>());
  THROWS(WOOL_ERR_CODEC, "$[1].name: expected string, found null",
         Value(List{sheep("a"), sheep(nullptr)}).as<std::vector<Sheep>>());
  THROWS(WOOL_ERR_CODEC, "$[\"two words\"][0]: expected int of 32 bits, found bool",
         (Value(Map{{"two words", List{true}}}).as<std::map<std::string, std::vector<int>>>()));
  THROWS(WOOL_ERR_CODEC, "$<key 0>: expected int of 32 bits, found string",
         (Value(Map{{"x", 1}}).as<std::map<int, int>>()));
}

TEST(values_of_all_kinds_come_back) {
  using namespace wool;
  const Extended named{WOOL_VALUE_NAMED, 0, 0, "geometry.Point", {Map{{"x", 1}}}};
  const List all = {nullptr,
                    true,
                    INT64_MIN,
                    UINT64_MAX,
                    -0.5,
                    "Schäfchen",
                    Bytes{0, 255},
                    List{},
                    Map{{"b", 1}, {2, "a"}},
                    Extended{WOOL_VALUE_TUPLE, 0, 0, {}, {1, "two"}},
                    Extended{WOOL_VALUE_SET, 0, 0, {}, {1, 2}},
                    Extended{WOOL_VALUE_TIMESTAMP, -1, 999999999, {}, {}},
                    Extended{WOOL_VALUE_DATE, -719162, 0, {}, {}},
                    Extended{WOOL_VALUE_TIME, 86399999999999, 0, {}, {}},
                    Extended{WOOL_VALUE_DURATION, -1, 500000000, {}, {}},
                    Extended{WOOL_VALUE_DECIMAL, 0, 0, "12.50", {}},
                    Extended{WOOL_VALUE_UUID, 0, 0, "0123456789abcdef", {}},
                    Extended{WOOL_VALUE_BIGINT, -1, 0, "0123456789", {}},
                    named};
  const Bytes bytes = encode(all);
  const List found = decode(bytes).as<List>();
  CHECK(encode(found) == bytes && found.size() == all.size());
  for (std::size_t i = 0; i < all.size(); i++) CHECK(found[i].variant().index() == all[i].variant().index());
  CHECK(found[2].as<std::int64_t>() == INT64_MIN && found[3].as<std::uint64_t>() == UINT64_MAX);
  CHECK(found[5].as<std::string>() == "Schäfchen");
  const Map map = found[8].as<Map>();
  CHECK(map.at(0).key.as<std::string>() == "b" && map.at(1).value.as<std::string>() == "a");
  CHECK((found[9].as<std::tuple<int, std::string>>() == std::tuple(1, std::string("two"))));
  CHECK(found[11].as<Extended>().nanos == 999999999);
  const Extended decoded = found[18].as<Extended>();
  CHECK(decoded.bytes == "geometry.Point" && decoded.contents.at(0).as<Map>().size() == 1);
}

TEST(conversions_lose_nothing) {
  using wool::Value;
  CHECK(Value(7).as<double>() > 6.9 && Value(200).as<std::uint8_t>() == 200);
  CHECK(!Value().as<std::optional<int>>() && Value(3).as<std::optional<int>>() == 3);
  CHECK((wool::Codec<std::vector<int>>::encode({1, 2}).as<std::vector<int>>() == std::vector{1, 2}));
  const std::map<std::string, int> ages{{"Rex", 7}};
  CHECK((wool::Codec<std::map<std::string, int>>::encode(ages).as<std::map<std::string, int>>() == ages));
  THROWS(WOOL_ERR_CODEC, "expected int of 8 bits, found the int 200", Value(200).as<std::int8_t>());
  THROWS(WOOL_ERR_CODEC, "unsigned int of 64 bits", Value(-1).as<std::uint64_t>());
  THROWS(WOOL_ERR_CODEC, "found the int 18446744073709551615", Value(UINT64_MAX).as<std::int64_t>());
  THROWS(WOOL_ERR_CODEC, "none exactly", Value(INT64_MAX).as<double>());
  THROWS(WOOL_ERR_CODEC, "float of 32 bits", Value(1e300).as<float>());
  THROWS(WOOL_ERR_CODEC, "expected int of 32 bits, found float", Value(1.0).as<int>());
  THROWS(WOOL_ERR_CODEC, "expected bool, found int", Value(1).as<bool>());
  THROWS(WOOL_ERR_CODEC, "$[1]: expected string, found null",
         Value(wool::List{"a", nullptr}).as<std::vector<std::string>>());
  THROWS(WOOL_ERR_CODEC, "expected 2 elements, found 1", Value(wool::List{1}).as<Point>());
  THROWS(WOOL_ERR_CODEC, "", wool::decode({0xc1}));
  THROWS(WOOL_ERR_CODEC, "UTF-8", wool::encode("\xff"));
  THROWS(WOOL_ERR_CODEC, "Extended does not hold", wool::encode(wool::Extended{WOOL_VALUE_INT, 1, 0, {}, {}}));
}

TEST(callables_are_routines) {
  World world;
  world.runtime.unary("test.add", [](std::int64_t a, std::int64_t b) { return a + b; }, {"Adds.", {"a", "b"}});
  world.runtime.unary("test.nothing", []() noexcept {});
  world.runtime.unary("test.same", +[](const wool::Value& value) { return value; });
  world.runtime.unary("test.length", [](const std::string& text) { return text.size(); });
  world.runtime.unary("test.mirror", [](Point point) { return Point{point.y, point.x}; });
  world.runtime.unary("test.move", [only = std::make_unique<int>(5)](int n) { return *only + n; });
  CHECK(world.pool().call<std::int64_t>("test.add", 1, 2) == 3);
  CHECK(world.pool().call("test.nothing").is_null());
  CHECK(world.pool().call<wool::Bytes>("test.same", wool::Bytes{1, 2}) == (wool::Bytes{1, 2}));
  CHECK(world.pool().call<int>("test.length", "fleece") == 6);
  CHECK(world.pool().call<Point>("test.mirror", Point{1, 2}).x > 1.9);
  CHECK(world.pool().call<int>("test.move", 1) == 6);
  world.pool().call<void>("test.add", 1, 2);
  THROWS(WOOL_ERR_CODEC, "expected string, found int", world.pool().call<std::string>("test.add", 1, 2));
  THROWS(WOOL_ERR_ALREADY_EXISTS, "test.add", world.runtime.unary("test.add", [] {}));
  THROWS(WOOL_ERR_ROUTINE_NOT_FOUND, "test.nowhere", world.pool().call("test.nowhere"));
}

TEST(arguments_that_do_not_fit_are_told_and_nothing_runs) {
  World world;
  std::atomic<int> runs{0};
  world.runtime.unary("test.add", [&](std::int64_t a, std::int64_t b) { return runs++, a + b; });
  world.runtime.unary("test.any", [](wool::Task task, const wool::Arguments& arguments) {
    CHECK(!task.is_cancelled() && !task.remaining() && task.id() != (std::array<std::uint8_t, 16>{}));
    return arguments.named.at(0).key;
  });
  world.runtime.unary("test.scaled", [&](int a, int b, std::optional<int> scale) {
    runs += scale ? 0 : 1;
    return (a + b) * scale.value_or(1);
  }, {"", {"a", "b", "scale"}});
  using wool::Named;
  THROWS(WOOL_ERR_TASK_FAILED, "test.add: argument 2 ($[1]): expected int of 64 bits, found string",
         world.pool().call("test.add", 1, "two"));
  THROWS(WOOL_ERR_TASK_FAILED, "test.add: argument 1 ($[0]): expected int of 64 bits, found null",
         world.pool().call("test.add", nullptr, "two"));
  THROWS(WOOL_ERR_TASK_FAILED, "test.add: expects 2 arguments, got 1", world.pool().call("test.add", 1));
  THROWS(WOOL_ERR_TASK_FAILED, "test.add: takes no argument named \"scale\"",
         world.pool().call("test.add", 1, 2, Named{{"scale", 2.0}}));
  THROWS(WOOL_ERR_TASK_FAILED, "test.scaled: expects 2 to 3 arguments, got 1: \"b\" is missing",
         world.pool().call("test.scaled", 1));
  THROWS(WOOL_ERR_TASK_FAILED, "test.scaled: the argument \"a\" is given twice",
         world.pool().call("test.scaled", 1, 2, Named{{"a", 3}}));
  THROWS(WOOL_ERR_TASK_FAILED, "test.scaled: argument \"scale\" ($.scale): expected int of 32 bits, found string",
         world.pool().call("test.scaled", 1, 2, Named{{"scale", "x"}}));
  THROWS(WOOL_ERR_TASK_FAILED, "test.scaled: argument 1 \"a\" ($[0]): expected int of 32 bits, found float",
         world.pool().call("test.scaled", 0.5, 2));
  try {
    world.pool().call("test.scaled", 0.5, 2);
  } catch (const wool::Error& error) {
    CHECK(error.type() == "ArgumentError");
  }
  CHECK(runs == 0);
  CHECK(world.pool().call<int>("test.scaled", 1, 2) == 3 && runs == 1);
  CHECK(world.pool().call<int>("test.scaled", 1, Named{{"scale", 10}, {"b", 2}}) == 30);
  CHECK(world.pool().call<std::string>("test.any", wool::Arguments{{}, {{"scale", 2.0}}}) == "scale");
}

TEST(whatever_a_routine_throws_harms_its_task_only) {
  World world;
  world.runtime.unary("test.shears", []() -> int {
    try {
      throw std::out_of_range("the fence has a hole");
    } catch (...) {
      std::throw_with_nested(Shears("the sheep ran away"));
    }
  });
  world.runtime.unary("test.stone", []() -> int { throw Stone(); });
  world.runtime.unary("test.text", [] { throw "only text"; });
  world.runtime.unary("test.garbled", [] { throw Shears("\xff"); });
  world.runtime.unary("test.own", [] { throw wool::Error(WOOL_ERR_BUSY, "no shears left", "farm.Busy"); });
  world.runtime.unary("test.unsendable", [] { return std::string("\xff"); });
  world.runtime.unary("test.add", [](int a, int b) { return a + b; });

  const wool::Error shears = failure_of(world.pool(), "test.shears");
  CHECK(shears.status() == WOOL_ERR_TASK_FAILED && shears.status_name() == "TASK_FAILED" && !shears.retryable());
  CHECK(shears.type().find("Shears") != std::string::npos && shears.type().find("_Nested") == std::string::npos);
  CHECK(std::string(shears.what()) == "the sheep ran away" && shears.language() == "cpp");
  CHECK(shears.cause() != nullptr && shears.cause()->type() == "std::out_of_range");
  CHECK(std::string(shears.cause()->what()) == "the fence has a hole" && shears.cause()->cause() == nullptr);
  CHECK(failure_of(world.pool(), "test.stone").type().find("Stone") != std::string::npos);
  CHECK(std::string(failure_of(world.pool(), "test.text").what()) == "only text");
  CHECK(failure_of(world.pool(), "test.garbled").status() == WOOL_ERR_TASK_FAILED);
  const wool::Error own = failure_of(world.pool(), "test.own");
  CHECK(own.status() == WOOL_ERR_TASK_FAILED && own.type() == "farm.Busy");
  CHECK(failure_of(world.pool(), "test.unsendable").status() == WOOL_ERR_CODEC);
  CHECK(world.pool().call<int>("test.add", 1, 2) == 3);
}

TEST(errors_from_further_away_keep_their_story) {
  World world;
  world.runtime.unary("test.far", [] { throw Shears("far away"); });
  world.runtime.unary("test.near", [&] { world.pool().call<void>("test.far"); });
  const wool::Error error = failure_of(world.pool(), "test.near");
  CHECK(error.type().find("Shears") != std::string::npos && std::string(error.what()) == "far away");
}

TEST(streams_are_pulled) {
  World world;
  std::atomic<int> made{0};
  world.runtime.stream("test.count", [&](int count) {
    return [&made, count, n = 0]() mutable { return n < count ? (made++, std::optional(n++)) : std::nullopt; };
  });
  wool::Stream<int> stream = world.pool().stream<int>("test.count", 3);
  CHECK(made == 0);
  CHECK(stream.next() == 0 && made == 1);
  wool::Stream<int> moved = std::move(stream);
  CHECK(moved.next() == 1 && moved.next() == 2 && !moved.next() && !moved.next());
  moved.close();
  int expected = 0;
  for (int n : world.pool().stream<int>("test.count", 100)) CHECK(n == expected++);
  CHECK(expected == 100);
  wool::Stream<std::string> wrong = world.pool().stream<std::string>("test.count", 1);
  THROWS(WOOL_ERR_CODEC, "expected string, found int", wrong.next());
  CHECK(!wrong.next());
}

TEST(a_stream_cleans_up_at_its_end_its_close_and_its_cancel) {
  flag_t* ended = flag_new();
  flag_t* closed = flag_new();
  flag_t* left = flag_new();
  flag_t* unbegun = flag_new();
  {
    World world;
    world.runtime.stream("test.one", [ended] {
      return [end = RaisesAtEnd(ended), n = 0]() mutable { return n++ == 0 ? std::optional(n) : std::nullopt; };
    });
    world.runtime.stream("test.closed", endless(closed));
    world.runtime.stream("test.left", endless(left));
    world.runtime.stream("test.unbegun", endless(unbegun));
    wool::Stream<int> one = world.pool().stream<int>("test.one");
    CHECK(one.next() && !flag_is_up(ended) && !one.next() && flag_is_up(ended));

    wool::Stream<int> closing = world.pool().stream<int>("test.closed");
    CHECK(closing.next() == 0 && closing.next() == 1 && !flag_is_up(closed));
    closing.close();
    CHECK(flag_is_up(closed) && !closing.next());

    for (int n : world.pool().stream<int>("test.left")) {
      if (n == 2) break;
    }
    flag_wait(left);

    wool::Stream<int> cancelled = world.pool().stream<int>("test.unbegun");
    cancelled.cancel();
    world.pool().stream<int>("test.unbegun");
  }
  flag_free(ended);
  flag_free(closed);
  flag_free(left);
  flag_free(unbegun);
}

TEST(a_stream_that_throws_fails_after_its_items) {
  World world;
  flag_t* cleaned = flag_new();
  world.runtime.stream("test.fails", [cleaned] {
    return [end = RaisesAtEnd(cleaned), n = 0]() mutable -> std::optional<int> {
      if (n == 2) throw Shears("blunt");
      return n++;
    };
  });
  world.runtime.stream("test.refuses", [](int n) {
    if (n > 0) throw Shears("never began");
    return [] { return std::optional<int>(); };
  });
  world.runtime.stream("test.unsendable", [] { return [] { return std::optional<std::string>("\xff"); }; });
  wool::Stream<int> stream = world.pool().stream<int>("test.fails");
  CHECK(stream.next() == 0 && stream.next() == 1);
  THROWS(WOOL_ERR_TASK_FAILED, "blunt", stream.next());
  CHECK(flag_is_up(cleaned) && !stream.next());
  THROWS(WOOL_ERR_TASK_FAILED, "never began", world.pool().stream<int>("test.refuses", 1).next());
  THROWS(WOOL_ERR_TASK_FAILED, "argument 1 ($[0]): expected int", world.pool().stream<int>("test.refuses", "x").next());
  CHECK(!world.pool().stream<int>("test.refuses", 0).next());
  THROWS(WOOL_ERR_CODEC, "UTF-8", world.pool().stream("test.unsendable").next());
  flag_free(cleaned);
}

TEST(a_cancel_reaches_a_generator_that_runs) {
  flag_t* running = flag_new();
  flag_t* cleaned = flag_new();
  {
    World world;
    world.runtime.stream("test.busy", [&](wool::Task task) {
      return [&, task, end = RaisesAtEnd(cleaned)]() -> std::optional<int> {
        flag_raise(running);
        while (!task.is_cancelled()) std::this_thread::yield();
        return 1;
      };
    });
    wool::Stream<int> stream = world.pool().stream<int>("test.busy");
    std::thread canceller([&] {
      flag_wait(running);
      stream.cancel();
    });
    THROWS(WOOL_ERR_CANCELLED, "", stream.next());
    canceller.join();
    flag_wait(cleaned);
  }
  flag_free(running);
  flag_free(cleaned);
}

TEST(a_deadline_reaches_the_routine) {
  flag_t* cancelled = flag_new();
  {
    World world;
    world.runtime.unary("test.wait", [cancelled](wool::Task task) {
      CHECK(task.remaining().has_value());
      while (!task.is_cancelled()) std::this_thread::yield();
      flag_raise(cancelled);
    });
    wool::CallOptions options;
    options.timeout = wool::milliseconds(200);
    THROWS(WOOL_ERR_DEADLINE_EXCEEDED, "", world.pool().call(options, "test.wait"));
    flag_wait(cancelled);
    options.timeout = wool::milliseconds(-1);
    THROWS(WOOL_ERR_INVALID_ARGUMENT, "timeout is negative", world.pool().call(options, "test.wait"));
  }
  flag_free(cancelled);
}

TEST(what_is_closed_says_so_and_closing_can_be_repeated) {
  World world;
  world.runtime.unary("test.close", [&] { world.runtime.close(); });
  THROWS(WOOL_ERR_TASK_FAILED, "callback", world.pool().call("test.close"));
  world.pool().close();
  world.pool().close();
  THROWS(WOOL_ERR_CLOSED, "", world.pool().call("test.close"));
  world.worker().stop();
  world.worker().stop();
  world.runtime.close();
  world.runtime.close();
  THROWS(WOOL_ERR_CLOSED, "", world.runtime.unary("test.late", [] {}));
  THROWS(WOOL_ERR_CLOSED, "", wool::Worker(world.runtime));
  world = World();
  world.runtime.unary("test.add", [](int a, int b) { return a + b; });
  CHECK(world.pool().call<int>("test.add", 1, 2) == 3);
}

TEST(destroying_a_runtime_waits_for_its_routines) {
  flag_t* running = flag_new();
  std::atomic<bool> finished{false};
  {
    World world;
    world.runtime.unary("test.slow", [&](wool::Task task) {
      flag_raise(running);
      while (!task.is_cancelled()) std::this_thread::yield();
      finished = true;
    });
    std::thread caller([&] { THROWS(WOOL_ERR_CLOSED, "", world.pool().call("test.slow")); });
    flag_wait(running);
    world.pool().close();
    caller.join();
  }
  CHECK(finished);
  flag_free(running);
}

TEST(options_are_passed_on_and_destroyed) {
  flag_t* destroyed = flag_new();
  {
    auto token = std::make_shared<RaisesAtEnd>(destroyed);
    wool::RuntimeOptions options;
    options.routine_threads = 1;
    options.log_level = wool::LogLevel::debug;
    options.log = [token](wool::LogLevel, std::string_view, std::string_view) { throw Stone(); };
    token.reset();
    wool::Runtime runtime(std::move(options));
    options.log = nullptr;
    wool::WorkerOptions worker_options;
    worker_options.secret = "baa";
    worker_options.concurrency = 2;
    worker_options.tags = {"fast", "gpu"};
    wool::Worker worker(runtime, worker_options);
    CHECK(worker.uid().size() == 36);
    runtime.unary("test.add", [](int a, int b) { return a + b; });
    wool::PoolOptions pool_options;
    pool_options.addresses = {worker.address()};
    pool_options.secret = "baa";
    wool::WorkerPool pool(runtime, pool_options);
    CHECK(pool.call<int>("test.add", 1, 2) == 3);
    worker_options.bind = "no address";
    bool refused = false;
    try {
      wool::Worker nowhere(runtime, worker_options);
    } catch (const wool::Error&) {
      refused = true;
    }
    CHECK(refused && !flag_is_up(destroyed));
  }
  flag_wait(destroyed);
  flag_free(destroyed);
}
