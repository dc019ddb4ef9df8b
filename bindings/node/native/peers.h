#pragma once

#include <wool.h>

#include <memory>

#include "runtime.h"

namespace wool_node {

// What an external of a discovery holds. Shared with the job that starts a worker, which may outlive the external.
using Discovery = std::shared_ptr<wool_discovery_t>;

// What an external of credentials holds, as that of a discovery.
using Credentials = std::shared_ptr<wool_credentials_t>;

// What an external of a pool holds.
struct Pool {
  Pool(std::shared_ptr<Runtime> owner, wool_pool_t* pool) : runtime(std::move(owner)), handle(pool, wool_pool_free) {}

  // Whose queue its calls are answered in.
  std::shared_ptr<Runtime> runtime;
  // Shared with the job that starts a worker, which may outlive the external.
  std::shared_ptr<wool_pool_t> handle;
};

// What an external of a worker holds.
struct Worker {
  Worker(std::shared_ptr<Runtime> owner, wool_worker_t* worker) : runtime(std::move(owner)), handle(worker) {}
  ~Worker() { wool_worker_free(handle); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  std::shared_ptr<Runtime> runtime;
  wool_worker_t* handle;
};

}  // namespace wool_node
