// A caller's certificate is renewed while it calls, as an operator would do it, and then spoilt. Those of certs are used.
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <thread>

#include "wool.hpp"

namespace fs = std::filesystem;

static wool::Credentials credentials(const fs::path& folder, const std::string& own) {
  wool::CredentialsOptions options;
  options.ca_file = (folder / "ca.pem").string();
  options.certificate_file = (folder / (own + ".pem")).string();
  options.key_file = (folder / (own + ".key")).string();
  // How often the files are looked at.
  options.poll = std::chrono::seconds(10);
  return wool::Credentials(options);
}

static wool::Worker serve(wool::Runtime& runtime) {
  runtime.unary("wool.caller", [](wool::Task& task) { return task.peer().empty() ? std::string() : task.peer().front(); });
  runtime.stream("wool.shear", [] {
    return [sheep = std::int64_t{0}]() mutable { return sheep < 3 ? std::optional(++sheep) : std::nullopt; };
  });
  wool::WorkerOptions options;
  options.credentials = credentials("certs", "worker");
  return wool::Worker(runtime, options);
}

// Makes one of certs the folder's own. A file is replaced whole: nobody reads half of it.
static void issue(const fs::path& folder, const std::string& name) {
  // The key first: whoever sees the new certificate finds its key.
  for (const std::string ending : {".key", ".pem"}) {
    fs::copy_file(fs::path("certs") / (name + ending), folder / "draft");
    fs::rename(folder / "draft", folder / ("own" + ending));
  }
}

// Calls until the worker sees this name.
static void seen_as(wool::WorkerPool& pool, const std::string& name) {
  while (pool.call<std::string>("wool.caller") != name) std::this_thread::sleep_for(wool::milliseconds(5));
  std::cout << "called by " << name << '\n';
}

static void rotate(wool::WorkerPool& pool, wool::Credentials& own, const fs::path& folder) {
  issue(folder, "next");
  // They would be looked at within ten seconds; this does it now.
  std::cout << "renewed: " << own.reload() << '\n';
  seen_as(pool, "next.wool.example");
}

static void spoil(wool::WorkerPool& pool, wool::Credentials& own, const fs::path& folder) {
  std::ofstream(folder / "draft") << "nonsense";
  fs::rename(folder / "draft", folder / "own.key");
  try {
    own.reload();
  } catch (const wool::Error& error) {
    std::cout << "not renewed: " << wool_status_name(error.status()) << '\n';
  }
  // Also for those who come later: it is what a health check asks for.
  std::cout << "a problem: " << own.problem().has_value() << '\n';
  // Those of before are still good.
  seen_as(pool, "next.wool.example");
}

static void run(const fs::path& folder) {
  fs::copy_file("certs/ca.pem", folder / "ca.pem");
  issue(folder, "caller");
  wool::Credentials own = credentials(folder, "own");
  wool::Runtime runtime;
  const wool::Worker worker = serve(runtime);
  wool::PoolOptions options;
  options.addresses = {worker.address()};
  options.credentials = own;
  wool::WorkerPool pool(runtime, options);
  seen_as(pool, "caller.wool.example");
  int shorn = 0;
  for ([[maybe_unused]] const std::int64_t sheep : pool.stream<std::int64_t>("wool.shear")) {
    if (shorn++ == 0) rotate(pool, own, folder);
  }
  // What was running went on where it was.
  std::cout << shorn << " sheep\n";
  spoil(pool, own, folder);
}

int main() {
  const fs::path folder = fs::temp_directory_path() / ("wool-rotating-" + std::to_string(getpid()));
  try {
    fs::create_directories(folder);
    run(folder);
    fs::remove_all(folder);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
