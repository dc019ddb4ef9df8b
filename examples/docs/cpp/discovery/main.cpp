// Workers are published on the local network, and found there without being named anywhere.
#include <unistd.h>

#include <cstdint>
#include <exception>
#include <iostream>
#include <string>

#include "wool.hpp"

int main() {
  try {
    wool::Runtime runtime;
    runtime.unary("wool.card", [](std::int64_t sheep) { return sheep; });

    wool::LanOptions lan;
    // A namespace keeps those apart who share a network.
    lan.name_space = "docs-cpp-" + std::to_string(getpid());
    // The example stays on this machine. Without interfaces it is all networks but loopback.
    lan.interfaces = {"lo"};
    const wool::Discovery discovery = wool::Discovery::lan(lan);

    wool::WorkerOptions serves;
    serves.publish = discovery;
    serves.extra = {{"farm", "hill"}};
    wool::Worker worker(runtime, serves);

    wool::PoolOptions joins;
    joins.discovery = discovery;
    wool::WorkerPool pool(runtime, joins);
    std::cout << "carded " << pool.call<std::int64_t>("wool.card", 7) << '\n';

    // Who is there, without a pool.
    for (const wool::WorkerRecord& record : discovery.list(runtime).workers) {
      std::cout << record.language << " worker at the " << record.extra.at("farm") << '\n';
    }
    pool.close();
    worker.stop();
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
