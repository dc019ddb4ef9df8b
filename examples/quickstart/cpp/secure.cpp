// A worker and a caller that know each other by their certificates: `make certs` puts some into `certs`.
//
//   secure worker 0.0.0.0:7000
//   secure caller localhost:7000
#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>

#include "wool.hpp"

static wool::Credentials credentials(const std::string& own) {
  wool::CredentialsOptions options;
  options.ca_file = "certs/ca.pem";
  options.certificate_file = "certs/" + own + ".pem";
  options.key_file = "certs/" + own + ".key";
  return wool::Credentials(options);
}

// Serves until SIGTERM or SIGINT.
static void work(const std::string& bind) {
  wool::Runtime runtime;
  runtime.unary("calc.add", [](std::int64_t a, std::int64_t b) { return a + b; });
  wool::WorkerOptions options;
  options.bind = bind;
  options.credentials = credentials("worker");
  wool::run_worker(runtime, options, std::chrono::seconds(30),
                   [](const wool::StartedWorker& worker) { std::cout << worker.address << std::endl; });
}

static void call(const std::string& address) {
  wool::Runtime runtime;
  wool::PoolOptions options;
  options.addresses = {address};
  options.credentials = credentials("caller");
  wool::WorkerPool pool(runtime, options);
  std::cout << "1 + 2 = " << pool.call<std::int64_t>("calc.add", 1, 2) << '\n';
}

int main(int count, char** words) {
  try {
    if (count != 3) throw std::runtime_error("worker BIND, or caller ADDRESS");
    if (words[1] == std::string("worker")) {
      work(words[2]);
    } else {
      call(words[2]);
    }
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
