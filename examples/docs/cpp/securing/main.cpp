// Who is who, and who may call what: a worker, and three pools that are not the same to it. The certificates are in certs.
#include <cstdint>
#include <exception>
#include <iostream>
#include <string>

#include "wool.hpp"

static wool::Credentials credentials(const std::string& own) {
  wool::CredentialsOptions options;
  options.ca_file = "certs/ca.pem";
  options.certificate_file = "certs/" + own + ".pem";
  options.key_file = "certs/" + own + ".key";
  return wool::Credentials(options);
}

static wool::Worker serve(wool::Runtime& runtime) {
  runtime.unary("wool.greet", [](wool::Task& task) {
    std::string greeting = "hello";
    for (const std::string& name : task.peer()) greeting += ", " + name;
    return greeting;
  });
  runtime.unary("admin.reset", [] { return std::string("done"); });
  wool::WorkerOptions options;
  options.credentials = credentials("worker");
  // Whom it talks to, of those whom the authority vouches for.
  options.callers = {"*.wool.example"};
  // What is not for all of them.
  options.routine_callers = {{"admin.*", {"admin.wool.example"}}};
  return wool::Worker(runtime, options);
}

// Calls a routine by a pool of its own.
static void ask(const wool::Runtime& runtime, const wool::Worker& worker, const wool::Credentials& own,
                const std::string& routine) {
  wool::PoolOptions options;
  options.addresses = {worker.address()};
  options.credentials = own;
  options.dispatch_timeout = wool::milliseconds(2'000);
  wool::WorkerPool pool(runtime, options);
  try {
    std::cout << pool.call<std::string>(routine) << '\n';
  } catch (const wool::Error& error) {
    std::cout << routine << ": " << wool_status_name(error.status()) << '\n';
  }
}

int main() {
  try {
    wool::Runtime runtime;
    const wool::Worker worker = serve(runtime);
    ask(runtime, worker, credentials("caller"), "wool.greet");
    ask(runtime, worker, credentials("caller"), "admin.reset");
    ask(runtime, worker, credentials("admin"), "admin.reset");
    // It knows the worker, and has nothing to show.
    wool::CredentialsOptions nobody;
    nobody.ca_file = "certs/ca.pem";
    ask(runtime, worker, wool::Credentials(nobody), "wool.greet");
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
