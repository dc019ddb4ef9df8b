// A balancer of the program's own: calls for one farm go to the same worker as long as it is there.
#include <cstddef>
#include <exception>
#include <functional>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "wool.hpp"

// The highest of a hash of worker and farm: when a worker leaves, only its own calls move. It must not block.
std::optional<std::size_t> by_farm(const wool::Choice& choice) {
  const auto score = [&](std::size_t i) { return std::hash<std::string>()(choice.workers[i].uid + choice.tag); };
  std::size_t best = 0;
  for (std::size_t i = 1; i < choice.workers.size(); i++) {
    if (score(i) > score(best)) best = i;
  }
  return best;
}

// How many calls for this farm of 20 run on the worker of the first.
int together(wool::WorkerPool& pool, const std::string& farm) {
  wool::CallOptions options;
  options.tag = farm;
  const auto first = pool.call<std::string>(options, "wool.where");
  int same = 1;
  for (int i = 1; i < 20; i++) same += pool.call<std::string>(options, "wool.where") == first;
  return same;
}

int main() {
  try {
    wool::Runtime runtime;
    runtime.unary("wool.where", [](wool::Task task) { return task.worker(); });
    std::vector<wool::Worker> workers;
    wool::PoolOptions options;
    for (int i = 0; i < 3; i++) {
      workers.emplace_back(runtime);
      options.addresses.push_back(workers.back().address());
    }
    options.quorum = 3;
    options.balancer = wool::Balancer::custom(by_farm);
    wool::WorkerPool pool(runtime, options);
    std::cout << together(pool, "hill") << " of 20 calls for the hill run together\n";
    std::cout << together(pool, "valley") << " of 20 calls for the valley run together\n";
    pool.close();
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
