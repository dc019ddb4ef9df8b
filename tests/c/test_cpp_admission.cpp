/* wool.hpp: admission hooks. */
#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "world.hpp"

namespace {

wool::CallOptions tagged(const std::string& tag) {
  wool::CallOptions options;
  options.tag = tag;
  // Or it would be offered again for a minute.
  if (tag == "busy") options.dispatch_timeout = wool::milliseconds(300);
  return options;
}

int add(int a, int b) { return a + b; }

}  // namespace

TEST(the_hook_decides) {
  World world;
  world.runtime.unary("test.add", add);
  world.worker_options.admit = [](const wool::AdmissionInfo& asked) -> wool::Admission {
    CHECK(asked.routine == "test.add" && asked.in_flight == 0);
    if (asked.tag == "busy") return wool::Admission::busy("it rains");
    if (asked.tag == "refuse") return wool::Admission::refuse("not " + asked.routine);
    if (asked.tag == "odd") return wool::Admission::refuse("\xff");
    if (asked.tag == "throw") throw std::runtime_error("the dog sleeps");
    if (asked.tag == "throw odd") throw std::runtime_error("\xff");
    if (asked.tag == "throw 42") throw 42;
    return wool::Admission::accept();
  };
  const auto call = [&](const char* tag) { return world.pool().call<int>(tagged(tag), "test.add", 1, 2); };
  CHECK(call("") == 3);
  THROWS(WOOL_ERR_BUSY, "it rains", call("busy"));
  THROWS(WOOL_ERR_PERMISSION_DENIED, "not test.add", call("refuse"));
  THROWS(WOOL_ERR_REJECTED, "the admission hook failed: its message is not UTF-8", call("odd"));
  THROWS(WOOL_ERR_REJECTED, "the admission hook failed: the dog sleeps", call("throw"));
  THROWS(WOOL_ERR_REJECTED, "the admission hook failed: it threw an exception whose message is not UTF-8", call("throw odd"));
  THROWS(WOOL_ERR_REJECTED, "the admission hook failed: it threw what is no std::exception", call("throw 42"));
  CHECK(call("") == 3);
}

TEST(a_hook_that_blocks_holds_up_only_its_own_call) {
  flag_t* held = flag_new();
  flag_t* release = flag_new();
  {
    World world;
    world.runtime.unary("test.add", add);
    world.worker_options.admit = [=](const wool::AdmissionInfo& asked) {
      if (asked.tag == "hold") {
        flag_raise(held);
        flag_wait(release);
      }
      return wool::Admission::accept();
    };
    wool::WorkerPool& pool = world.pool();
    std::thread caller([&] { CHECK(pool.call<int>(tagged("hold"), "test.add", 20, 22) == 42); });
    flag_wait(held);
    for (int i = 0; i < 50; i++) CHECK(pool.call<int>("test.add", i, 1) == i + 1);
    flag_raise(release);
    caller.join();
  }
  flag_free(held);
  flag_free(release);
}

TEST(the_hook_lives_as_long_as_the_worker) {
  auto token = std::make_shared<int>(5);
  const std::weak_ptr<int> seen = token;
  {
    World world;
    world.runtime.unary("test.add", add);
    world.worker_options.admit = [token](const wool::AdmissionInfo&) { return wool::Admission::accept(); };
    token.reset();
    CHECK(world.pool().call<int>("test.add", 1, 2) == 3);
    world.worker_options.admit = nullptr;
    CHECK(!seen.expired());
    world.worker().stop();
    CHECK(seen.expired());
    wool::WorkerOptions options;
    options.bind = "no address";
    options.admit = [](const wool::AdmissionInfo&) { return wool::Admission::accept(); };
    bool refused = false;
    try {
      wool::Worker nowhere(world.runtime, options);
    } catch (const wool::Error&) {
      refused = true;
    }
    CHECK(refused);
  }
}

TEST(values_ride_along_for_the_hook_and_the_routine) {
  World world;
  world.runtime.unary("test.who", [](wool::Task task) {
    CHECK(!task.context("other", "who") && !task.context("test", "when"));
    return task.context("test", "who");
  });
  world.worker_options.admit = [](const wool::AdmissionInfo& asked) {
    const std::optional<wool::Value> who = asked.context("test", "who");
    if (who && who->kind_name() == "bool") return wool::Admission::refuse("a bool");
    return wool::Admission::accept();
  };
  wool::CallOptions options;
  options.context = {{"test", "who", "nobody"}, {"test", "who", "Dolly"}};
  CHECK(world.pool().call<std::string>(options, "test.who") == "Dolly");
  CHECK(world.pool().call("test.who").is_null());
  options.context = {{"test", "who", true}};
  THROWS(WOOL_ERR_PERMISSION_DENIED, "a bool", world.pool().call(options, "test.who"));
  options.context = {{"test", "who", std::string(70000, 'x')}};
  THROWS(WOOL_ERR_PAYLOAD_TOO_LARGE, "", world.pool().call(options, "test.who"));
  options.context = {{"test", "who", "\xff"}};
  THROWS(WOOL_ERR_CODEC, "UTF-8", world.pool().call(options, "test.who"));
}
