// Values that ride along with calls, on to what these call, and back.
#include <exception>
#include <iostream>
#include <string>

#include "wool.hpp"

// What the worker serves.
static void serve(wool::Runtime& runtime) {
  runtime.unary("wool.name", [](wool::Task task) {
    wool::Context context = task.context();
    context.set("shop", "greeted", true);
    return context.get("shop", "customer");
  });
  runtime.unary("wool.greet", [](wool::Task task) {
    // The context of this task goes along, and takes up what is changed there.
    const auto name = task.call<std::string>("wool.name");
    task.context().unset("shop", "hint");
    return "Good morning, " + name;
  });
}

static void call(wool::WorkerPool& pool) {
  wool::Context context;
  context.set("shop", "customer", "Dolly");
  context.set("shop", "hint", "shy");
  wool::CallOptions options;
  options.bag = context;
  std::cout << pool.call<std::string>(options, "wool.greet") << '\n';
  std::cout << "greeted: " << std::boolalpha << context.get<bool>("shop", "greeted").value() << '\n';
  std::cout << "hint: " << context.get<std::string>("shop", "hint").value_or("none") << '\n';
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
