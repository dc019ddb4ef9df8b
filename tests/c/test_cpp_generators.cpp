/* wool.hpp: generators that are sent to, thrown into, closed, and run ahead; from both ends. */
#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "own_error.hpp"

namespace {

/* Yields the total, and adds what it is sent; an OutOfStock makes it 0; below 0 it ends. */
auto accumulate(std::shared_ptr<flag_t> cleaned = new_flag()) {
  return [cleaned](int total) {
    return [cleaned, end = RaisesAtEnd(cleaned.get()), total](const wool::Received<int>& received) mutable -> std::optional<int> {
      try {
        total += received.get().value_or(0);
      } catch (const OutOfStock&) {
        total = 0;
      }
      if (total < 0) return std::nullopt;
      return total;
    };
  };
}

/* A generator whose clean-up can fail. */
class Gate {
 public:
  std::optional<int> operator()() { return n_++; }
  void close() { throw OutOfStock("hinges", 0); }

 private:
  int n_ = 0;
};

/* 0, 1, 2, ... */
auto endless() {
  return [n = 0]() mutable { return std::optional(n++); };
}

}  // namespace

TEST(values_are_sent_to_the_yield) {
  const auto cleaned = new_flag();
  World world;
  world.runtime.stream("test.accumulate", accumulate(cleaned));
  wool::Stream<int> stream = world.pool().stream<int>("test.accumulate", 10);
  THROWS(WOOL_ERR_INVALID_ARGUMENT, "ask for its first item", stream.send(1));
  CHECK(stream.next() == 10 && stream.send(5) == 15 && stream.next() == 15 && stream.send(-1) == 14);
  CHECK(!flag_is_up(cleaned.get()) && !stream.send(-100) && flag_is_up(cleaned.get()));
  CHECK(!stream.send(1) && !stream.next() && !stream.throw_(OutOfStock("x", 1)));
  stream.close();
}

TEST(what_a_plain_next_gives_differs_from_a_null_that_is_sent) {
  World world;
  world.runtime.stream("test.tells", [] {
    return [](const wool::Received<>& received) {
      const std::optional<wool::Value> sent = received.get();
      return std::optional<std::string>(sent ? std::string(sent->kind_name()) : "nothing");
    };
  });
  wool::Stream<std::string> stream = world.pool().stream<std::string>("test.tells");
  CHECK(stream.next() == "nothing" && stream.next() == "nothing" && stream.send(nullptr) == "null");
  CHECK(stream.send(wool::Map{}) == "map" && stream.send("x") == "string" && stream.send(1.5) == "float");
}

TEST(a_value_that_does_not_fit_ends_the_stream) {
  World world;
  world.runtime.stream("test.accumulate", accumulate());
  wool::Stream<int> stream = world.pool().stream<int>("test.accumulate", 10);
  CHECK(stream.next() == 10);
  THROWS(WOOL_ERR_CODEC, "UTF-8", stream.send("\xff"));
  CHECK(stream.send(1) == 11);
  THROWS(WOOL_ERR_TASK_FAILED, "expected int", stream.send("one"));
  CHECK(!stream.next());
}

TEST(what_is_thrown_is_caught_by_its_class) {
  World world;
  world.runtime.error<OutOfStock>();
  world.runtime.stream("test.accumulate", accumulate());
  wool::Stream<int> stream = world.pool().stream<int>("test.accumulate", 10);
  CHECK(stream.next() == 10 && stream.throw_(OutOfStock("hay", 1)) == 0 && stream.send(4) == 4);
  CHECK(stream.throw_(std::make_exception_ptr(OutOfStock("hay", 1))) == 0);
  THROWS(WOOL_ERR_INVALID_ARGUMENT, "nullptr", stream.throw_(std::exception_ptr()));
  CHECK(stream.next() == 0);
}

TEST(what_is_not_caught_comes_back_as_it_is) {
  World world;
  world.runtime.error<OutOfStock>();
  world.runtime.error<Flood>();
  const auto cleaned = new_flag();
  world.runtime.stream("test.plain", endless);
  world.runtime.stream("test.deaf", [] { return [](const wool::Received<int>&) { return std::optional(1); }; });
  world.runtime.stream("test.accumulate", accumulate(cleaned));
  for (const char* routine : {"test.plain", "test.deaf"}) {
    wool::Stream<int> stream = world.pool().stream<int>(routine);
    CHECK(stream.next());
    throws<OutOfStock>([&] { stream.throw_(OutOfStock("hay", 3)); }, [](const OutOfStock& error) {
      CHECK(error.item == "hay" && error.left == 3);
    });
    CHECK(!stream.next());
  }
  wool::Stream<int> stream = world.pool().stream<int>("test.accumulate", 1);
  CHECK(stream.next() == 1);
  throws<Flood>([&] { stream.throw_(Flood(2.5)); }, [](const Flood& error) { CHECK(error.metres > 2.4); });
  flag_wait(cleaned.get());
  for (int i = 0; i < 2; i++) {
    wool::Stream<int> odd = world.pool().stream<int>("test.plain");
    CHECK(odd.next());
    if (i == 0) THROWS(WOOL_ERR_TASK_FAILED, "an exception of type int was thrown", odd.throw_(42));
    if (i == 1) THROWS(WOOL_ERR_TASK_FAILED, "nullptr was thrown", odd.throw_(nullptr));
  }
}

TEST(an_error_that_is_thrown_first_is_the_outcome) {
  World world;
  world.runtime.error<OutOfStock>();
  std::atomic<int> begun{0};
  world.runtime.stream("test.counts", [&] { return [&begun] { return std::optional(begun++); }; });
  wool::Stream<int> stream = world.pool().stream<int>("test.counts");
  throws<OutOfStock>([&] { stream.throw_(OutOfStock("hay", 3)); }, [](const OutOfStock& error) { CHECK(error.left == 3); });
  CHECK(!stream.next() && begun == 0);
}

TEST(a_routine_may_throw_another_error_than_it_got) {
  World world;
  world.runtime.error<OutOfStock>();
  world.runtime.error<Flood>();
  world.runtime.stream("test.turns", [] {
    return [](const wool::Received<int>& received) -> std::optional<int> {
      try {
        return received.get().value_or(0);
      } catch (const OutOfStock&) {
        std::throw_with_nested(std::logic_error("no hay"));
      }
    };
  });
  wool::Stream<int> stream = world.pool().stream<int>("test.turns");
  CHECK(stream.next() == 0);
  throws<wool::TaskError>([&] { stream.throw_(OutOfStock("hay", 3)); }, [](const wool::TaskError& error) {
    CHECK(error.type() == "std::logic_error" && error.cause()->type() == "conf.OutOfStock");
  });
}

TEST(a_clean_up_that_fails_is_what_the_close_throws) {
  World world;
  world.runtime.error<OutOfStock>();
  world.runtime.stream("test.gate", [] { return Gate(); });
  wool::Stream<int> stream = world.pool().stream<int>("test.gate");
  CHECK(stream.next() == 0);
  throws<OutOfStock>([&] { stream.close(); }, [](const OutOfStock& error) { CHECK(error.item == "hinges"); });
  stream.close();
  CHECK(!stream.next());
  /* One that never began has nothing to clean up. */
  world.pool().stream<int>("test.gate").close();
}

TEST(items_are_asked_for_ahead) {
  World world;
  std::atomic<int> yielded{0};
  world.runtime.stream("test.counts", [&] { return [&yielded] { return std::optional(yielded++); }; });
  wool::CallOptions options;
  options.prefetch = 8;
  wool::Stream<int> stream = world.pool().stream<int>(options, "test.counts");
  THROWS(WOOL_ERR_INVALID_ARGUMENT, "prefetch", stream.send(1));
  for (int n = 0; n < 100; n++) CHECK(stream.next() == n && yielded <= n + 8);
  THROWS(WOOL_ERR_INVALID_ARGUMENT, "prefetch", stream.throw_(42));
  CHECK(stream.next() == 100);
  stream.close();
  int sum = 0;
  for (int n : world.pool().stream<int>(options, "test.counts")) {
    sum++;
    if (n > 200) break;
  }
  CHECK(sum > 1);
}

TEST(a_step_has_a_budget) {
  const auto cancelled = new_flag();
  World world;
  world.runtime.stream("test.slow", [cancelled](wool::Task task) {
    return [cancelled, task, n = 0]() mutable {
      if (n++ > 0) {
        while (!task.is_cancelled()) std::this_thread::yield();
        flag_raise(cancelled.get());
      }
      return std::optional(n);
    };
  });
  wool::CallOptions options;
  options.step_timeout = wool::milliseconds(1000);
  wool::Stream<int> stream = world.pool().stream<int>(options, "test.slow");
  CHECK(stream.next() == 1);
  THROWS(WOOL_ERR_DEADLINE_EXCEEDED, "", stream.next());
  flag_wait(cancelled.get());
  options.step_timeout = wool::milliseconds(-1);
  THROWS(WOOL_ERR_INVALID_ARGUMENT, "step_timeout is negative", world.pool().stream<int>(options, "test.slow"));
  options.step_timeout = options.timeout = wool::milliseconds::max();
  CHECK(world.pool().stream<int>(options, "test.slow").next() == 1);
}

TEST(a_stream_that_was_moved_is_sent_to) {
  World world;
  world.runtime.error<OutOfStock>();
  world.runtime.stream("test.accumulate", accumulate());
  wool::Stream<int> first = world.pool().stream<int>("test.accumulate", 1);
  CHECK(first.next() == 1);
  wool::Stream<int> second = std::move(first);
  CHECK(second.send(2) == 3 && second.throw_(OutOfStock("hay", 1)) == 0);
}
