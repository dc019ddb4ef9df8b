/* wool.hpp: tasks that call, contexts, maps, broadcasts and task events. */
/* Its std::quoted must not be taken for the library's own. */
#include <iomanip>

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "world.hpp"

namespace {

struct Lost : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace

template <>
struct wool::ErrorTraits<Lost> {
  static constexpr std::string_view name = "test.Lost";
  static Value encode(const Lost&) { return nullptr; }
  static Lost decode(const TaskError& error) { return Lost(error.what()); }
};

TEST(routines_call_through_their_task) {
  World world;
  world.worker_options.concurrency = 1;
  world.runtime.error<Lost>();
  world.runtime.unary("test.fib", [](wool::Task task, std::int64_t n) -> std::int64_t {
    if (n < 2) return n;
    return task.call<std::int64_t>("test.fib", n - 1) + task.call<std::int64_t>("test.fib", n - 2);
  });
  world.runtime.stream("test.countdown", [](wool::Task task, std::int64_t n) {
    return [task, n, begun = false, rest = std::optional<wool::Stream<std::int64_t>>()]() mutable
           -> std::optional<std::int64_t> {
      if (!std::exchange(begun, true)) return n;
      if (n == 0) return std::nullopt;
      if (!rest) rest = task.stream<std::int64_t>("test.countdown", n - 1);
      return rest->next();
    };
  });
  world.runtime.unary("test.lose", [] { throw Lost("in the fog"); });
  world.runtime.unary("test.search", [](wool::Task task) {
    try {
      task.call<void>("test.lose");
    } catch (const Lost& lost) {
      CHECK(!wool::retryable(lost));
      return std::string(lost.what());
    }
    return std::string();
  });
  CHECK(world.pool().call<int>("test.fib", 7) == 13);
  std::vector<std::int64_t> items;
  for (std::int64_t n : world.pool().stream<std::int64_t>("test.countdown", 3)) items.push_back(n);
  CHECK((items == std::vector<std::int64_t>{3, 2, 1, 0}));
  CHECK(world.pool().call<std::string>("test.search") == "in the fog");
}

TEST(a_task_tells_what_it_is) {
  World world;
  std::optional<wool::Task> kept;
  std::array<std::uint8_t, 16> outer{};
  world.runtime.unary("test.inner", [&](wool::Task task) {
    CHECK(task.routine() == "test.inner" && task.tag() == "label" && task.worker() == world.worker().uid());
    CHECK(task.caller() == outer && task.id() != outer && task.remaining());
  });
  world.runtime.unary("test.outer", [&](wool::Task task) {
    CHECK(!task.caller() && task.tag().empty());
    outer = task.id();
    kept = task;
    wool::CallOptions options;
    options.tag = "label";
    task.call<void>(options, "test.inner");
    // Also by a pool of its own.
    options.parent = task.get();
    task.pool().call<void>(options, "test.inner");
    THROWS(WOOL_ERR_INVALID_ARGUMENT, "", task.pool().close(wool::milliseconds(0)));
  });
  wool::CallOptions options;
  options.timeout = wool::milliseconds(60'000);
  world.pool().call<void>(options, "test.outer");
  // Its answer may be here before the task's handle is stale.
  for (bool is_over = false; !is_over;) {
    try {
      kept->id();
    } catch (const wool::Error&) {
      is_over = true;
    }
  }
  THROWS(WOOL_ERR_INVALID_ARGUMENT, "stale", kept->call("test.inner"));
  THROWS(WOOL_ERR_INVALID_ARGUMENT, "stale", kept->context());
  kept.reset();
}

TEST(contexts_flow_both_ways) {
  World world;
  world.runtime.unary("test.name", [](wool::Task task) {
    task.context().set("shop", "greeted", true);
    return task.context().get<std::string>("shop", "customer");
  });
  world.runtime.unary("test.greet", [](wool::Task task) {
    const auto name = task.call<std::string>("test.name");
    wool::Context context = task.context();
    CHECK(context.get<bool>("shop", "greeted") == true);
    context.unset("shop", "hint");
    return "hello " + name;
  });
  wool::Context context;
  context.set("shop", "customer", "Dolly");
  context.set("shop", "hint", 5);
  wool::CallOptions options;
  options.bag = context;
  CHECK(world.pool().call<std::string>(options, "test.greet") == "hello Dolly");
  CHECK(context.get<bool>("shop", "greeted") == true && !context.get("shop", "hint"));
  // On top of the bag, and not into it.
  options.context = {{"shop", "customer", "Rex"}};
  CHECK(world.pool().call<std::string>(options, "test.greet") == "hello Rex");
  CHECK(context.get<std::string>("shop", "customer") == "Dolly");
  THROWS(WOOL_ERR_CODEC, "", context.get<int>("shop", "customer"));
  THROWS(WOOL_ERR_PAYLOAD_TOO_LARGE, "", context.set("shop", "wool", std::string(70'000, 'x')));
  THROWS(WOOL_ERR_INVALID_ARGUMENT, "", context.set("w3c", "customer", "Dolly"));
}

TEST(a_map_takes_any_range_as_it_can_be_called) {
  World world;
  world.runtime.unary("test.half", [](int n) {
    if (n % 2 != 0) throw std::runtime_error("odd");
    return n / 2;
  });
  wool::MapOptions options;
  options.in_flight = 2;
  options.ordered = true;
  auto halves = world.pool().map<int>("test.half", std::list<int>{2, 3, 8}, options);
  std::vector<int> found;
  for (const auto& half : halves) {
    CHECK(half.index == found.size() && half.ok() == (half.error() == nullptr));
    if (!half.ok()) THROWS(WOOL_ERR_TASK_FAILED, "odd", half.value());
    found.push_back(half.ok() ? half.value() : -1);
  }
  CHECK((found == std::vector<int>{1, -1, 4}));
  CHECK(halves.progress().added == 3 && halves.progress().done == 3 && halves.progress().failed == 1);
  CHECK(!halves.next());

  // No more inputs than two under way and two behind them.
  const std::vector<int> many(1000, 2);
  auto left = world.pool().map<void>("test.half", many, options);
  left.next()->value();
  CHECK(left.progress().added <= 4);

  const wool::Arguments none;
  THROWS(WOOL_ERR_TASK_FAILED, "expects 1 argument", world.pool().map("test.half", std::vector{none}).next()->value());
  const std::vector<int> one{2};
  auto text = world.pool().map<std::string>("test.half", one);
  THROWS(WOOL_ERR_CODEC, "", text.next()->value());
  CHECK(!world.pool().map("test.half", std::vector<int>()).next());
}

TEST(a_broadcast_and_a_call_name_the_worker) {
  World world;
  world.runtime.unary("test.where", [](wool::Task task) { return task.worker(); });
  const std::string uid = world.worker().uid();
  CHECK(world.pool().call<std::string>("test.where") == uid);
  int count = 0;
  for (const auto& answer : world.pool().broadcast<std::string>("test.where")) {
    CHECK(answer.worker == uid && answer.value() == uid);
    count++;
  }
  CHECK(count == 1);
  THROWS(WOOL_ERR_ROUTINE_NOT_FOUND, "", world.pool().broadcast("test.none"));
  wool::CallOptions options;
  options.worker = uid;
  CHECK(world.pool().call<std::string>(options, "test.where") == uid);
  THROWS(WOOL_ERR_INVALID_ARGUMENT, "", world.pool().broadcast(options, "test.where"));
  options.worker = "00000000-0000-4000-8000-000000000000";
  options.dispatch_timeout = wool::milliseconds(50);
  bool is_retryable = false;
  try {
    world.pool().call(options, "test.where");
  } catch (const std::exception& error) {
    is_retryable = wool::retryable(error);
  }
  CHECK(is_retryable);
}

TEST(task_events_are_told_until_nobody_listens) {
  flag_t* told = flag_new();
  flag_t* destroyed = flag_new();
  {
    World world;
    world.runtime.unary("test.add", [](int a, int b) { return a + b; });
    CHECK(world.pool().call<int>("test.add", 1, 2) == 3);
    std::string story;
    int completed = 0;
    auto listening = std::make_unique<wool::TaskEvents>(wool::on_task_event(
        world.runtime, [&, token = std::make_shared<RaisesAtEnd>(destroyed)](const wool::TaskEvent& event) {
          CHECK(event.routine == "test.add" && !event.caller && event.step_name().empty());
          if (event.side == WOOL_SIDE_WORKER) CHECK(event.worker == world.worker().uid());
          if (event.side == WOOL_SIDE_CALLER) story += std::string(event.kind_name()) + " ";
          if (event.kind != WOOL_TASK_COMPLETED) return;
          CHECK(event.status == WOOL_OK && event.time.time_since_epoch().count() > 0);
          if (++completed == 2) flag_raise(told);
          throw std::runtime_error("nobody hears it");
        }));
    CHECK(world.pool().call<int>("test.add", 1, 2) == 3);
    flag_wait(told);
    CHECK(story == "task-created task-scheduled task-completed ");
    CHECK(listening->missed() == 0);
    listening.reset();
    flag_wait(destroyed);
    CHECK(world.pool().call<int>("test.add", 1, 2) == 3);
    CHECK(completed == 2);
    THROWS(WOOL_ERR_INVALID_ARGUMENT, "", wool::on_task_event(world.runtime, nullptr));
  }
  flag_free(told);
  flag_free(destroyed);
}
