/* What the tests of wool.hpp share. */
#ifndef WORLD_HPP
#define WORLD_HPP

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "wool.hpp"

/* The frame is C. */
extern "C" {
#include "check.h"
}

/* The expression throws a wool::Error of this status, whose message has these words. */
#define THROWS(status_, words, expression)                                                        \
  do {                                                                                            \
    bool thrown = false;                                                                          \
    try {                                                                                         \
      static_cast<void>(expression);                                                              \
    } catch (const wool::Error& error) {                                                          \
      thrown = true;                                                                              \
      if (error.status() != (status_) || std::string(error.what()).find(words) == std::string::npos) { \
        std::fprintf(stderr, "%s: %s\n", wool_status_name(error.status()), error.what());         \
        check_fail(__FILE__, __LINE__, "wrong failure: " #expression);                            \
      }                                                                                           \
    }                                                                                             \
    CHECK(thrown);                                                                                \
  } while (0)

inline wool::PoolOptions address_of(const wool::Worker& worker) {
  wool::PoolOptions options;
  options.addresses = {worker.address()};
  return options;
}

/* A runtime, whose worker and pool begin when they are first asked for: so the routines registered before are known
 * to the pool from the start. */
class World {
 public:
  wool::Runtime runtime;
  wool::WorkerOptions worker_options;

  wool::Worker& worker() {
    if (!worker_) worker_.emplace(runtime, worker_options);
    return *worker_;
  }
  wool::WorkerPool& pool() {
    if (!pool_) pool_.emplace(runtime, address_of(worker()));
    return *pool_;
  }

 private:
  std::optional<wool::Worker> worker_;
  std::optional<wool::WorkerPool> pool_;
};

/* A flag that is freed with the last who has it. */
inline std::shared_ptr<flag_t> new_flag() { return {flag_new(), flag_free}; }

/* Raised when it, or what it was moved to, is destroyed. */
class RaisesAtEnd {
 public:
  explicit RaisesAtEnd(flag_t* flag) : flag_(flag) {}
  RaisesAtEnd(RaisesAtEnd&& other) noexcept : flag_(std::exchange(other.flag_, nullptr)) {}
  RaisesAtEnd& operator=(RaisesAtEnd&&) = delete;
  ~RaisesAtEnd() {
    if (flag_ != nullptr) flag_raise(flag_);
  }

 private:
  flag_t* flag_;
};

#endif
