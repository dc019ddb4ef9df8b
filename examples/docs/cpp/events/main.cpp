// What happens to a call and to a stream, as their caller and their worker tell of it.
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <iostream>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "wool.hpp"

// What was told of a task, by its caller and by its worker.
class Story {
 public:
  // On a thread of its own.
  void hear(const wool::TaskEvent& event) {
    const bool is_caller = event.side == WOOL_SIDE_CALLER;
    std::string line = (is_caller ? "caller " : "worker ") + std::string(event.kind_name());
    if (event.step != 0) line += " " + std::string(event.step_name());
    if (event.kind == WOOL_TASK_COMPLETED && event.status == WOOL_OK) line += " OK";
    const std::lock_guard<std::mutex> guard(mutex_);
    (is_caller ? caller_ : worker_).push_back(line);
    if (event.kind == WOOL_TASK_SCHEDULED) scheduled_++;
    if (event.kind == WOOL_TASK_COMPLETED) completed_++;
    changed_.notify_one();
  }

  void wait_until_scheduled() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return scheduled_ > 0; });
  }

  // When both sides have told the end; and forgets it.
  void print() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return completed_ == 2; });
    for (const auto* side : {&caller_, &worker_}) {
      for (const std::string& line : *side) std::cout << line << '\n';
    }
    caller_.clear();
    worker_.clear();
    scheduled_ = completed_ = 0;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> caller_, worker_;
  int scheduled_ = 0, completed_ = 0;
};

int main() {
  try {
    // Before the runtime, which it outlives.
    Story story;
    wool::Runtime runtime;
    runtime.unary("wool.card", [](std::int64_t n) { return n; });
    runtime.stream("wool.spin", [](std::int64_t n) {
      return [n]() mutable { return n > 0 ? std::optional(n--) : std::nullopt; };
    });
    wool::Worker worker(runtime);
    wool::PoolOptions options;
    options.addresses = {worker.address()};
    wool::WorkerPool pool(runtime, options);
    const auto events = wool::on_task_event(runtime, [&](const wool::TaskEvent& event) { story.hear(event); });

    pool.call<std::int64_t>("wool.card", 1);
    story.print();

    auto items = pool.stream<std::int64_t>("wool.spin", 2);
    // One who asks at once may ask before a worker has it.
    story.wait_until_scheduled();
    while (items.next()) continue;
    story.print();
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
